import { never, operand, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const connections = ["test/resources/sso/connections.test.ts"];
const domains = ["test/resources/sso/domains.test.ts"];
const checks = ["test/jobs/sso-domains.test.ts"];
const [rules, claims] = ["src/resources/sso/rules.ts", "src/gate/sso-claims.ts"];

/** Who speaks for a domain, for how long, and to whom a secret goes. */
export const sso: readonly Mutant[] = [
  {
    name: "the owner of a claim that is released or moved",
    cut: replaced(claims, "ssoDomainClaimsOf", "ConditionalExpression", "ownerId === ownerId", "claim"),
    caughtBy: domains,
  },
  {
    name: "the proof in DNS",
    cut: replaced(claims, "isProven", "BinaryExpression", "=== proof", "true"),
    caughtBy: domains,
  },
  {
    name: "the claim of a domain that lapsed",
    cut: replaced(
      "src/jobs/check-sso-domains.ts",
      "check",
      "ArrayExpression",
      "update(ssoDomainClaims",
      "[]",
    ),
    caughtBy: checks,
  },
  {
    name: "another issuer's own secret",
    cut: never("src/resources/sso/connections.ts", "update", "body.clientSecret === undefined"),
    caughtBy: connections,
  },
  {
    name: "the reach of who sets up an issuer",
    cut: replaced("src/resources/sso/refusals.ts", "heldRefusal", "CallExpression", "isLimited(", "false"),
    caughtBy: connections,
  },
  {
    name: "what who sets up an issuer may do",
    cut: replaced("src/resources/sso/refusals.ts", "reachRefusal", "CallExpression", "isSubset(", "true"),
    caughtBy: connections,
  },
  {
    name: "an issuer at an address that is not public",
    cut: replaced(
      "src/resources/sso/refusals.ts",
      "issuerRefusal",
      "CallExpression",
      "destinationFault(issuer",
      "null",
    ),
    caughtBy: connections,
  },
  {
    name: "a domain that is enforced before it is verified",
    cut: never("src/resources/sso/domains.ts", "update", "isEnforced === true"),
    caughtBy: domains,
  },
  {
    name: "the deployment's own name",
    cut: never("src/resources/sso/domains.ts", "create", "ownHost"),
    caughtBy: domains,
  },
  {
    name: "If-Match of an effect",
    cut: never("src/http/effect.ts", "executeEffect", "ifMatchHolds"),
    caughtBy: domains,
  },
  {
    name: "the week that a record may be absent",
    cut: never(rules, "afterCheck", "patienceMs"),
    caughtBy: checks,
  },
  {
    name: "a resolver that does not answer",
    cut: never(rules, "afterCheck", "isProven === null"),
    caughtBy: checks,
  },
  {
    name: "the hour in which a verification is under way",
    cut: operand(rules, "claimAfter", "isYoung"),
    caughtBy: checks,
  },
];
