import { body, never, operand, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const upload = ["test/resources/files/upload.test.ts"];
const checking = ["test/resources/files/checking.test.ts"];
const download = ["test/resources/files/download.test.ts"];
const rights = ["test/jobs/webhooks/rights.test.ts"];
const ssrf = ["test/jobs/webhooks/ssrf.test.ts"];

/** What comes in as bytes, and what goes out to addresses that others chose. */
export const edges: readonly Mutant[] = [
  {
    name: "the first bytes of an upload against its type",
    cut: never("src/platform/streams.ts", "pass", "looksLike"),
    caughtBy: upload,
  },
  {
    name: "the hash that an upload promised",
    cut: never("src/platform/streams.ts", "pass", "expected.sha256"),
    caughtBy: upload,
  },
  {
    name: "the plan's most bytes",
    cut: replaced("src/resources/files/refusals.ts", "planRefusal", "BinaryExpression", "<=", "true"),
    caughtBy: upload,
  },
  {
    name: "the first bytes of what was put together of parts",
    cut: replaced("src/jobs/check-file.ts", "checkFile", "UnaryExpression", "looksLike", "false"),
    caughtBy: checking,
  },
  {
    name: "the hash of what was put together of parts",
    cut: operand("src/jobs/check-file.ts", "checkFile", "!== sha256"),
    caughtBy: checking,
  },
  {
    name: "the tenant at the beginning of an object's name",
    cut: never("src/platform/tenant-files.ts", "tenantFiles", "startsWith"),
    caughtBy: ["test/platform/tenant-files.test.ts"],
  },
  {
    name: "a type that may run scripts is never shown in a page",
    cut: replaced("src/resources/files/rules.ts", "handedOut", "ConditionalExpression", "shown", "wanted"),
    caughtBy: download,
  },
  {
    name: "the sandbox around a file",
    cut: replaced(
      "src/http/stream-answer.ts",
      "streamAnswer",
      "ExpressionStatement",
      "Content-Security-Policy",
      "",
    ),
    caughtBy: download,
  },
  {
    name: "the read capability of an event's type",
    cut: never("src/gate/event-rights.ts", "excessOf", "mayRead"),
    caughtBy: rights,
  },
  {
    name: "the locations of a webhook endpoint",
    cut: replaced("src/gate/event-rights.ts", "asksFor", "LogicalExpression", "locationIds.includes", "true"),
    caughtBy: rights,
  },
  {
    name: "what an endpoint asks for no longer",
    cut: body("src/db/webhooks/queue.ts", "unwanted", 'return sql`"webhook_deliveries"."id" = \'\'`;'),
    caughtBy: rights,
  },
  {
    name: "the addresses that a receiver's name stands for",
    cut: replaced(
      "src/platform/destinations.ts",
      "destinationFault",
      "ConditionalExpression",
      "isPublicAddress",
      "null",
    ),
    caughtBy: ssrf,
  },
  {
    name: "the spelling of a receiver's address",
    cut: replaced(
      "src/platform/destinations.ts",
      "destinationFault",
      "MemberExpression",
      "guarded.fault",
      "null",
    ),
    caughtBy: ssrf,
  },
];
