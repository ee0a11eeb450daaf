import { body, never, operand, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const rules = "src/identity/budgets/budget-rules.ts";
const ofRules = ["test/identity/budgets/budget-rules.test.ts"];
const taking = "src/identity/sms/take-text.ts";
const ofTaking = ["test/identity/sms/take-text.test.ts"];
const code = "src/identity/sms/take-code.ts";
const enrolment = "src/identity/sms/enrolment.ts";
const strength = "src/identity/factors/sms-strength.ts";
const ofSms = ["test/identity/sms/sms.test.ts"];

/** Codes by SMS: what they may cost, how they are good once, and whom they are not enough for. */
export const sms: readonly Mutant[] = [
  { name: "the room of a budget", cut: never(rules, "take", "fullUntil.length"), caughtBy: ofRules },
  { name: "that one request is paid once", cut: never(rules, "take", "each.id === id"), caughtBy: ofRules },
  {
    name: "that a budget which does not answer has nothing sent",
    cut: operand(taking, "takeText", "isUnknown"),
    caughtBy: ofTaking,
  },
  {
    name: "that texts to one number are counted together",
    cut: replaced(taking, "takeText", "ArrayExpression", '["number", number]', '["number", id]'),
    caughtBy: ofTaking,
  },
  { name: "the five minutes of a code", cut: operand(code, "takeCode", "expiresAt"), caughtBy: ofSms },
  {
    name: "the five tries of a code",
    cut: replaced(code, "takeCode", "Property", "identifier: id", "identifier: crypto.randomUUID()"),
    caughtBy: ofSms,
  },
  {
    name: "where a code is good",
    cut: replaced("src/identity/sms/code.ts", "hashSmsCode", "TemplateLiteral", "boundTo", "purpose"),
    caughtBy: ["test/identity/sms/code.test.ts"],
  },
  {
    name: "that a business allows SMS",
    cut: never(enrolment, "begin", "payer === null"),
    caughtBy: ofSms,
  },
  {
    name: "that the privileged do not add SMS alone",
    cut: never(enrolment, "begin", "isPrivileged"),
    caughtBy: ofSms,
  },
  {
    name: "that the privileged are not left with SMS alone",
    cut: body("src/identity/factors/standing.ts", "leftTooWeak", "return null;"),
    caughtBy: ofSms,
  },
  {
    name: "that SMS is strong only where a business allows it",
    cut: operand(strength, "acceptsSms", "allowsSms"),
    caughtBy: ofSms,
  },
  {
    name: "that SMS is never strong of the privileged",
    cut: operand(strength, "acceptsSms", "isElevated"),
    caughtBy: ofSms,
  },
  {
    name: "that a recovery code is worth what it stands in for",
    cut: replaced(
      "src/identity/factors/second-step.ts",
      "recover",
      "ConditionalExpression",
      "recoveryOfSmsMethods",
      "codeMethods",
    ),
    caughtBy: ofSms,
  },
  {
    name: "that SMS proves nobody privileged once more",
    cut: never("src/identity/sms/step-up.ts", "send", "isPrivileged"),
    caughtBy: ofSms,
  },
  {
    name: "that a session ends with what it was strong by",
    cut: operand("src/identity/factors/standing.ts", "weakened", "hasStronger"),
    caughtBy: ofSms,
  },
];
