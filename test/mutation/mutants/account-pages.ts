import { body, never, operand } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const cookies = "src/console/account/cookies.ts";
const mount = "src/console/account/mount.tsx";
const token = "src/crypto/page-token.ts";
const ofForms = ["test/console/account/forgery.test.ts"];
const ofPages = ["test/console/account/pages.test.ts"];

/** What keeps other pages from using ours. */
export const accountPages: readonly Mutant[] = [
  {
    name: "the origin of a form",
    cut: never(cookies, "isSameOrigin", "origin !== undefined"),
    caughtBy: ofForms,
  },
  {
    name: "where the browser says that a form comes from",
    cut: body(cookies, "isSameOrigin", "return true;"),
    caughtBy: ofForms,
  },
  {
    name: "the browser in a form's token",
    cut: body(token, "isFormToken", "return text.length === 32;"),
    caughtBy: ofForms,
  },
  {
    name: "that somebody has signed in",
    cut: never(mount, "replyOf", "isOwn && !user"),
    caughtBy: ofPages,
  },
  {
    name: "the mac of the page's cookie",
    cut: never(token, "readPageToken", "timingSafeEqual"),
    caughtBy: ofForms,
  },
  {
    name: "that a form is one",
    cut: never(mount, "sentForm", "type"),
    caughtBy: ofForms,
  },
  {
    name: "the origin beside the token of a form",
    cut: operand(mount, "sentForm", "isSameOrigin"),
    caughtBy: ofForms,
  },
  {
    name: "that nothing leads on but to a page of ours",
    cut: body("src/console/account/visit.ts", "destinationOf", 'return fields.get("continue") ?? "/home";'),
    caughtBy: ofForms,
  },
  {
    name: "the address that is typed to delete an account",
    cut: never("src/console/account/account.tsx", "changeAccount", "typed !== email"),
    caughtBy: ["test/console/account/account.test.ts"],
  },
];
