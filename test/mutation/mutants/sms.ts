import { never, operand } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const rules = "src/identity/sms/budget-rules.ts";
const ofRules = ["test/identity/sms/budget-rules.test.ts"];
const taking = "src/identity/sms/take-text.ts";
const ofTaking = ["test/identity/sms/take-text.test.ts"];

/** Codes by SMS: what they may cost, how they are good once, and whom they are not enough for. */
export const sms: readonly Mutant[] = [
  { name: "the room of a budget", cut: never(rules, "take", "fullUntil.length"), caughtBy: ofRules },
  { name: "that one request is paid once", cut: never(rules, "take", "each.id === id"), caughtBy: ofRules },
  {
    name: "that a budget which does not answer has nothing sent",
    cut: operand(taking, "takeText", "isUnknown"),
    caughtBy: ofTaking,
  },
];
