import { body, never, operand, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const federation = ["test/identity/federation/federation.test.ts"];
const sso = ["test/identity/federation/sso.test.ts"];
const [flows, claims] = ["src/identity/federation/federation.ts", "src/identity/federation/claims.ts"];
const terms = "src/identity/sessions/tenant-terms.ts";

/** Whom another issuer's word lets in, as whom, and where. */
export const federated: readonly Mutant[] = [
  {
    name: "the signature of an ID token",
    cut: replaced(flows, "mustBeSigned", "IfStatement", "verified.ok", "void verified;"),
    caughtBy: federation,
  },
  {
    name: "the authorized party of an ID token",
    cut: never(flows, "vouchedBy", "claims.azp"),
    caughtBy: federation,
  },
  {
    name: "a business's issuer speaks for its domains alone",
    cut: never(flows, "vouchedBy", "source.sso && !isEmailTheirs"),
    caughtBy: sso,
  },
  {
    name: "Google speaks for its mailboxes and hosted domains alone",
    cut: operand(claims, "isTheirs", 'domain === "gmail.com"'),
    caughtBy: federation,
  },
  {
    name: "the second factor of who comes by another issuer",
    cut: replaced(
      "src/identity/federation/arrive.ts",
      "arrive",
      "IfStatement",
      "choices.length > 0",
      "void choices;",
    ),
    caughtBy: federation,
  },
  {
    name: "that nothing is connected before the second factor is proved",
    cut: replaced(
      "src/identity/federation/arrive.ts",
      "arrive",
      "ArrayExpression",
      "...taken, ...used, ...joining(user.id)",
      "[...taken, ...used, ...joining(user.id), ...(identity ? [] : connected(context, user, arrival, subject))]",
    ),
    caughtBy: federation,
  },
  {
    name: "the age of a proof that no issuer told",
    cut: replaced(
      claims,
      "provedAtIn",
      "LogicalExpression",
      "claims.auth_time ??",
      "(claims.auth_time ?? 4_000_000_000)",
    ),
    caughtBy: ["test/identity/federation/proofs.test.ts"],
  },
  {
    name: "that nothing is counted or spent before the session is judged",
    cut: body("src/http/judged-session.ts", "onceProved", "return accounts;"),
    caughtBy: ["test/identity/factors/second-step.test.ts"],
  },
  {
    name: "the mailed code",
    cut: replaced(
      "src/identity/federation/email-proof.ts",
      "proveEmail",
      "CallExpression",
      "timingSafeEqual",
      "true",
    ),
    caughtBy: federation,
  },
  {
    name: "a session of a business's sign-in is good for nothing of the user's own",
    cut: never("src/http/judged-session.ts", "unproved", "session.sso !== null"),
    caughtBy: sso,
  },
  {
    name: "a session of a business's sign-in is good for that business alone",
    cut: replaced(terms, "unmetBySso", "BinaryExpression", "place?.tenantId !==", "place === null"),
    caughtBy: sso,
  },
  {
    name: "a connection that is off",
    cut: never(terms, "unmetBySso", "connections.includes"),
    caughtBy: sso,
  },
  {
    name: "an owner by their own factor",
    cut: never(terms, "unmetBySso", 'member.role === "owner"'),
    caughtBy: sso,
  },
  {
    name: "a domain that comes by its own sign-in alone",
    cut: never(terms, "unmetByThemselves", 'member.role !== "owner"'),
    caughtBy: sso,
  },
];
