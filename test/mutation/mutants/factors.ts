import { element, never, operand, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const totp = "src/identity/factors/totp.ts";
const recovery = "src/identity/factors/recovery-codes.ts";
const ofTotp = ["test/identity/factors/totp.test.ts"];
const ofRecovery = ["test/identity/factors/recovery-codes.test.ts"];

const step = "src/identity/factors/second-step.ts";
const ofStep = ["test/identity/factors/second-step.test.ts"];

const ceremony = "src/identity/passkeys/ceremony.ts";
const ofPasskeys = ["test/identity/passkeys.test.ts"];

/** What makes a second factor one. */
export const factors: readonly Mutant[] = [
  {
    name: "the steps of TOTP that were consumed",
    cut: replaced(totp, "verifyTotp", "ConditionalExpression", "afterTimeStep", "{}"),
    caughtBy: ofTotp,
  },
  {
    name: "the form of a code of six digits",
    cut: replaced(
      "src/identity/factors/six-digits.ts",
      "sixDigitsOf",
      "ConditionalExpression",
      "test(digits)",
      "digits",
    ),
    caughtBy: ["test/identity/factors/six-digits.test.ts"],
  },
  {
    name: "that a clock which stepped back is no error of TOTP",
    cut: operand(totp, "verifyTotp", "lastStep >="),
    caughtBy: ofTotp,
  },
  {
    name: "the user in a recovery code's hash",
    cut: replaced(recovery, "hashRecoveryCode", "TemplateLiteral", "recovery code of", '"recovery code"'),
    caughtBy: ofRecovery,
  },
  {
    name: "the comparison of recovery codes",
    cut: never(recovery, "findRecoveryCode", "timingSafeEqual"),
    caughtBy: ofRecovery,
  },
  {
    name: "the second step of a sign-in",
    cut: replaced(
      "src/identity/accounts/sign-in.ts",
      "signIn",
      "IfStatement",
      "choices.length > 0",
      "void 0;",
    ),
    caughtBy: ofStep,
  },
  {
    name: "that a challenge is good once",
    cut: element(step, "goneOn", "taken"),
    caughtBy: ofStep,
  },
  {
    name: "the end of a challenge's time",
    cut: operand(step, "isOpen", "expiresAt"),
    caughtBy: ofStep,
  },
  {
    name: "that a challenge is of the user's present epoch",
    cut: never(step, "challenged", "sessionEpoch"),
    caughtBy: ofStep,
  },
  {
    name: "that a code is taken once",
    cut: replaced(step, "secondFactor", "ConditionalExpression", "lastStep: proved.step", "[] as never[]"),
    caughtBy: ofStep,
  },
  {
    name: "the age of a proof",
    cut: replaced(
      "src/http/judged-session.ts",
      "unproved",
      "BinaryExpression",
      "now - provedAt >",
      "Number.isNaN(provedAt)",
    ),
    caughtBy: ofStep,
  },
  {
    name: "the age of a proof at a tenant's door",
    cut: replaced("src/http/caller.ts", "staleProof", "ConditionalExpression", "isRecent", "null"),
    caughtBy: ["test/every-operation/step-up.test.ts"],
  },
  {
    name: "a business's question for a second factor",
    cut: never("src/identity/sessions/tenant-terms.ts", "unmetByThemselves", "asksForFactor"),
    caughtBy: ["test/identity/factors/policy.test.ts"],
  },
  {
    name: "that Clerk's second factor counts where there is one",
    cut: replaced(
      "src/gate/outside-claims.ts",
      "provedAtOf",
      "ConditionalExpression",
      "second >= 0",
      "first",
    ),
    caughtBy: ["test/gate/outside-claims.test.ts"],
  },
  {
    name: "whose pending authenticator is confirmed",
    cut: operand("src/identity/factors/enrolment.ts", "confirm", "pending.id !=="),
    caughtBy: ofStep,
  },
  {
    name: "that each challenge of a passkey is taken once",
    cut: never(ceremony, "verifyProof", "lastChallenge"),
    caughtBy: ofPasskeys,
  },
  {
    name: "what a passkey's challenge is for",
    cut: never(ceremony, "takenChallenge", "turns[purpose]"),
    caughtBy: ofPasskeys,
  },
  {
    name: "how long a passkey's challenge is good",
    cut: never(ceremony, "takenChallenge", "challengeLivesMs"),
    caughtBy: ofPasskeys,
  },
  {
    name: "that a passkey verifies its user",
    cut: replaced(
      ceremony,
      "expected",
      "ObjectExpression",
      "requireUserVerification",
      "{ expectedChallenge: check, expectedOrigin: new URL(context.accounts.issuer).origin, expectedRPID: hostOf(context), requireUserVerification: false }",
    ),
    caughtBy: ofPasskeys,
  },
];
