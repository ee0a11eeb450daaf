import { body, never, operand, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const job = "src/jobs/send-mail.ts";
const sending = ["test/jobs/send-mail.test.ts"];
const webhook = "src/mail/receive-postmark.ts";
const told = ["test/mail/postmark-webhooks.test.ts"];

/** Mail: by one sender, to nobody who takes none, not after a day; its webhooks and its page for nobody else. */
export const mail: readonly Mutant[] = [
  {
    name: "the claim that one of many consumers holds",
    cut: replaced(job, "claim", "ConditionalExpression", "claiming.row", "claiming.row"),
    caughtBy: sending,
  },
  {
    name: "the wait for whoever claimed a mail",
    cut: operand(job, "sendMail", "isWaiting"),
    caughtBy: sending,
  },
  {
    name: "the age at which a mail expires",
    cut: body(job, "isTooOld", "return false;"),
    caughtBy: sending,
  },
  {
    name: "the age at which a code is no longer sent",
    cut: replaced(job, "isTooOld", "ConditionalExpression", "codeLivesMs", "expiresMs"),
    caughtBy: ["test/jobs/send-text.test.ts"],
  },
  {
    name: "that a code is sent by the clock, not by when its batch began",
    cut: never("src/jobs/carriers.ts", "carriedByTexter", "leastValidSeconds"),
    caughtBy: ["test/jobs/send-text.test.ts"],
  },
  {
    name: "the suppression of an address",
    cut: body("src/mail/suppressions.ts", "suppressionOf", "return null;"),
    caughtBy: sending,
  },
  {
    name: "the password of Postmark's webhooks",
    cut: never(webhook, "receiveFromPostmark", "timingSafeEqual"),
    caughtBy: told,
  },
  {
    name: "the condition that a mailbox is on this machine",
    cut: operand("src/platform/mail/mailbox.ts", "isOpen", "isLoopback"),
    caughtBy: ["test/platform/mail/mailbox.test.ts"],
  },
];
