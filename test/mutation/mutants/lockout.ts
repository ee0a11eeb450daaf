import { body, never, operand, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const rules = "src/identity/lockout/lockout-rules.ts";
const reserving = "src/identity/lockout/reserve-try.ts";
const ofRules = ["test/identity/lockout/lockout-rules.test.ts"];
const ofUsers = ["test/http/user-limits.test.ts"];
const ofReserving = ["test/identity/lockout/reserve-try.test.ts"];

/** What keeps guesses few, whoever makes them and from wherever. */
export const lockouts: readonly Mutant[] = [
  {
    name: "the limit of what a session may change",
    cut: replaced(
      "src/http/account-door.ts",
      "servedMe",
      "AwaitExpression",
      "countRequest",
      "(null as Refusal | null)",
    ),
    caughtBy: ofUsers,
  },
  {
    name: "the limit of the tokens that a session may have",
    cut: replaced(
      "src/identity/sessions/refresh.ts",
      "refresh",
      "AwaitExpression",
      "countRequest",
      "(null as Refusal | null)",
    ),
    caughtBy: ofUsers,
  },
  {
    name: "the limit of a user's sessions together",
    cut: never("src/identity/lockout/request-rules.ts", "takeRequest", "!ofUser.admitted"),
    caughtBy: ofUsers,
  },
  {
    name: "tries under way at the limit of failures",
    cut: body(rules, "fullUntil", "return null;"),
    caughtBy: ofRules,
  },
  {
    name: "the lock",
    cut: replaced(rules, "reserve", "BinaryExpression", "state.lockedUntil > now", "false"),
    caughtBy: ofRules,
  },
  {
    name: "the place that a reservation asked for twice has already",
    cut: never(rules, "reserve", "some"),
    caughtBy: ofRules,
  },
  {
    name: "the failure of a try that nobody settled",
    cut: replaced(rules, "aged", "CallExpression", "failed(", "{ ...state, pending }"),
    caughtBy: ofRules,
  },
  {
    name: "the failures of an address when somebody there succeeds",
    cut: operand(rules, "settle", "forgetsOnSuccess"),
    caughtBy: ofRules,
  },
  {
    name: "that a try settles once",
    cut: never(rules, "settle", "state.pending.length"),
    caughtBy: ofRules,
  },
  {
    name: "the release of a try that the other limit refused",
    cut: replaced(reserving, "reserveTry", "AwaitExpression", '"released"', "undefined"),
    caughtBy: ofReserving,
  },
  {
    name: "the refusal where a counter does not answer",
    cut: replaced(
      reserving,
      "reserveTry",
      "BinaryExpression",
      "answer?.outcome",
      'answer?.outcome !== "refused"',
    ),
    caughtBy: ofReserving,
  },
  {
    name: "the HMAC in a lockout's name",
    cut: replaced(reserving, "nameOf", "AwaitExpression", "exactToken", "what"),
    caughtBy: ofReserving,
  },
  {
    name: "the /64 of an IPv6 address",
    cut: replaced("src/lib/cidr.ts", "networkOf", "ArrayExpression", "6]", "[0, 2, 4, 6, 8, 10, 12, 14]"),
    caughtBy: ofReserving,
  },
];
