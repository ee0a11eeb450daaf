import { body, never, operand, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const hashes = "src/crypto/argon2id.ts";
const phc = "src/crypto/phc-string.ts";
const rules = "src/identity/passwords/password-rules.ts";
const pwned = "src/platform/pwned-passwords.ts";

const ofHashes = ["test/crypto/argon2id.test.ts"];
const ofPhc = ["test/crypto/phc-string.test.ts"];
const ofRules = ["test/identity/passwords/password-rules.test.ts"];
const ofPwned = ["test/platform/pwned-passwords.test.ts"];

/** What a password has to be, what is asked of others about it, and what is kept of it. */
export const passwords: readonly Mutant[] = [
  {
    name: "the work for somebody who does not exist",
    cut: body(hashes, "verifyDecoy", "return false;"),
    caughtBy: ofHashes,
  },
  {
    name: "the decoy that is hashed where nobody has the address",
    cut: replaced("src/identity/accounts/sign-in.ts", "signIn", "AwaitExpression", "verifyDecoy", "false"),
    caughtBy: ["test/identity/accounts/accounts.test.ts"],
  },
  {
    name: "the end of the line of those who wait for a hash",
    cut: never("src/lib/waiting-line.ts", "join", "#most"),
    caughtBy: ["test/lib/waiting-line.test.ts", ...ofHashes],
  },
  {
    name: "the end of an instance in which a hash broke off",
    cut: never(hashes, "compute", "instance === mine"),
    caughtBy: ofHashes,
  },
  {
    name: "the one form of a password that is hashed",
    cut: replaced(hashes, "bytesOf", "CallExpression", "normalisePassword(", "password"),
    caughtBy: ofHashes,
  },
  {
    name: "the look at the parameters that a password was hashed with",
    cut: body(hashes, "isOfToday", "return true;"),
    caughtBy: ofHashes,
  },
  {
    name: "the bounds of what a stored hash may cost",
    cut: body(phc, "isWithinBounds", "return true;"),
    caughtBy: ofPhc,
  },
  {
    name: "the room of those in line who are gone",
    cut: never("src/lib/waiting-line.ts", "join", "patienceMs"),
    caughtBy: ["test/lib/waiting-line.test.ts"],
  },
  ...["too-short", "no-mixed-case", "no-number", "no-symbol", "contains-email", "contains-name"]
    .concat("contains-tenant", "common")
    .map((fault) => ({
      name: `the rule "${fault}"`,
      cut: replaced(rules, "faultsOf", "ArrayExpression", `"${fault}"`, `["${fault}", false]`),
      caughtBy: ofRules,
    })),
  {
    name: "the refusal of privileged people's passwords that nobody could look up",
    cut: replaced(
      rules,
      "afterBreachCheck",
      "ConditionalExpression",
      "mustRecheck: true",
      "{ fault: null, mustRecheck: true }",
    ),
    caughtBy: ofRules,
  },
  {
    name: "the difference between padding and what was breached",
    cut: operand(pwned, "breachAnswer", "row.count > 0"),
    caughtBy: ofPwned,
  },
  {
    name: "the padding that hides which range was asked for",
    cut: replaced(pwned, "rangeOf", "Property", '"Add-Padding"', '"X-Nothing": "true"'),
    caughtBy: ofPwned,
  },
  {
    name: "the rest of the hash, which stays here",
    cut: replaced(pwned, "breachAnswer", "CallExpression", "hash.slice(0, prefixDigits)", "hash"),
    caughtBy: ofPwned,
  },
  {
    name: "the refusal of ranges in another form",
    cut: replaced(pwned, "rowOf", "ThrowStatement", "malformed", 'return { suffix: "", count: 0 };'),
    caughtBy: ofPwned,
  },
];
