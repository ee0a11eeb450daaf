import { body, element, never, operand, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const cursor = ["test/resources/customers.test.ts", "test/resources/orders.test.ts"];
const bookmark = ["test/http/bookmark.test.ts"];
const frame = ["test/every-operation/transport.test.ts"];

/** What comes back from a client, and what leaves to one. */
export const http: readonly Mutant[] = [
  { name: "the cursor's mac", cut: operand("src/http/page.ts", "cursorsOf", "verifyMac"), caughtBy: cursor },
  { name: "the cursor's list", cut: element("src/http/page.ts", "bound", "operation"), caughtBy: cursor },
  { name: "the cursor's filter", cut: element("src/http/page.ts", "bound", "filter"), caughtBy: cursor },
  {
    name: "the bookmark's mac",
    cut: replaced("src/http/bookmark.ts", "bookmarkOf", "AwaitExpression", "verifyMac", "true"),
    caughtBy: bookmark,
  },
  {
    name: "the mac's key and text",
    cut: body("src/crypto/mac.ts", "verifyMac", "return true;"),
    caughtBy: ["test/crypto/mac.test.ts"],
  },
  {
    name: "the length in a comparison in constant time",
    cut: replaced("src/crypto/constant-time.ts", "timingSafeEqual", "BinaryExpression", "a.length ^", "0"),
    caughtBy: ["test/crypto/mac.test.ts"],
  },
  {
    name: "If-Match",
    cut: never("src/http/write.ts", "executeWrite", "ifMatchHolds"),
    caughtBy: ["test/http/preconditions.test.ts"],
  },
  {
    name: "the parsing of answers",
    cut: replaced("src/http/answer.ts", "draftOf", "CallExpression", "returns.parse", "stoodIn"),
    caughtBy: ["test/resources/api-keys.test.ts"],
  },
  {
    name: "the refusal of plain http",
    cut: never("src/http/frame.ts", "transportRefusal", "startsWith"),
    caughtBy: frame,
  },
];
