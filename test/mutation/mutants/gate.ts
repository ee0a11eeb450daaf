import { body, conjunct, never, operand, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const matrix = "test/every-operation.test.ts";
const limits = "test/gate/limits.test.ts";
const revocation = "test/gate/revocation.test.ts";
const moved = "test/gate/rights-moved.test.ts";
const terms = "test/gate/key-terms.test.ts";
const credentials = "test/every-operation/credentials.test.ts";
const origins = "test/every-operation/transport.test.ts";
const settings = "test/resources/settings.test.ts";
const keyLimits = "test/gate/key-limits.test.ts";
const limitCalls = "test/resources/key-limits.test.ts";
const keyRules = "src/resources/api-keys/limit-rules.ts";
const bucket = "src/gate/bucket.ts";
const holding = "src/gate/holding-limit.ts";
const keys = "test/resources/api-keys.test.ts";
const excess = "src/resources/api-keys/rules.ts";
const caller = "src/http/caller.ts";
const gate = "src/gate/gate.ts";
const hydrate = "src/gate/hydrate.ts";

/** Who is let in, how often, and to do what. */
export const gates: readonly Mutant[] = [
  { name: "the capability check", cut: body(caller, "mayCall", "return true;"), caughtBy: [matrix] },
  {
    name: "the second capability check, after rights moved under the request",
    cut: replaced(
      "src/http/door.ts",
      "authorized",
      "CallExpression",
      "mayCall(",
      "(staleEpoch !== null || mayCall(caller, operation))",
    ),
    caughtBy: [moved],
  },
  {
    name: "the audit row of a refusal that matters",
    cut: replaced("src/http/door.ts", "forbid", "ExpressionStatement", "commitRun", "void run;"),
    caughtBy: [settings],
  },
  { name: "the tenant's state", cut: never(caller, "policyRefusal", "policy.state"), caughtBy: [moved] },
  {
    name: "that what ended without being named is over",
    cut: operand("src/gate/ended.ts", "isOver", "secondMs < tokensFromMs"),
    caughtBy: ["test/gate/ended.test.ts"],
  },
  { name: "the key's address list", cut: body(gate, "isElsewhere", "return false;"), caughtBy: [terms] },
  { name: "the page's origin", cut: never(caller, "policyRefusal", "policy.origins"), caughtBy: [origins] },
  {
    name: "the key's own origins",
    cut: never(caller, "policyRefusal", "policy.clientOrigins"),
    caughtBy: [keys],
  },
  {
    name: "the token's scope",
    cut: replaced(caller, "callerOf", "ConditionalExpression", "intersect(", "policy.capabilities"),
    caughtBy: [credentials],
  },
  {
    name: "the refusal of who has used up the rate",
    cut: replaced(
      caller,
      "admit",
      "BinaryExpression",
      "answer.rate.retryAfterSeconds > 0",
      "answer.rate.retryAfterSeconds < 0",
    ),
    caughtBy: [limits],
  },
  {
    name: "the take from the rate limit",
    cut: replaced(bucket, "take", "ExpressionStatement", "this.#soldTatMs = ofSold.tatMs", "{}"),
    caughtBy: [limits],
  },
  {
    name: "the take from a key's own limit",
    cut: never(bucket, "#takeHeld", "isKept"),
    caughtBy: [keyLimits],
  },
  {
    name: "the take from a limit that came under a request",
    cut: operand(bucket, "#takeHeld", "sinceEpoch"),
    caughtBy: [keyLimits],
  },
  {
    name: "that a key's own limit refuses",
    cut: replaced(bucket, "both", "CallExpression", "retryAfterSeconds", "sold.retryAfterSeconds"),
    caughtBy: [keyLimits],
  },
  {
    name: "the end of a key's own limit",
    cut: operand(holding, "holdingLimit", "untilMs"),
    caughtBy: [keyLimits],
  },
  {
    name: "the plan above a tenant's own limits",
    cut: replaced(holding, "holdingLimit", "ConditionalExpression", "Math.min", "asked"),
    caughtBy: [keyLimits],
  },
  {
    name: "the bucket of expensive operations",
    cut: replaced(gate, "enter", "ConditionalExpression", "this.#expensive", "this.#ordinary"),
    caughtBy: [keyLimits],
  },
  {
    name: "the tenth of expensive operations",
    cut: body("src/gate/tiers.ts", "tenthOf", "return count;"),
    caughtBy: [keyLimits],
  },
  {
    name: "that a tenant sets no limit beyond its plan",
    cut: body(keyRules, "beyondPlan", 'return asked.burst > sold.burst * 1_000_000 ? "/burst" : null;'),
    caughtBy: [keyLimits],
  },
  {
    name: "the longest time of a key's limit",
    cut: replaced(keyRules, "endFault", "ConditionalExpression", "longestLimitMs", "null"),
    caughtBy: [limitCalls],
  },
  {
    name: "the past as the end of a key's limit",
    cut: never(keyRules, "endFault", "leftMs <= 0"),
    caughtBy: [limitCalls],
  },
  {
    name: "the expiry of a limit that is read",
    cut: operand(keyRules, "holding", "expiresAt"),
    caughtBy: [limitCalls],
  },
  {
    name: "the notice of a changed limit to its gate",
    cut: replaced(
      "src/http/after-commit.ts",
      "changedPrincipals",
      "BinaryExpression",
      "key-limit",
      'entity === "no-limit"',
    ),
    caughtBy: ["test/every-operation/budget.test.ts"],
  },
  {
    name: "the key of the limit that is read for the gate",
    cut: conjunct("src/gate/key-limits.ts", "ownLimitRow", '"key_limits"."api_key_id"'),
    caughtBy: [keyLimits],
  },
  {
    name: "the bucket's capacity",
    cut: replaced("src/lib/gcra.ts", "takeGcra", "BinaryExpression", "wanted <= capacity", "true"),
    caughtBy: ["test/lib/gcra.test.ts"],
  },
  {
    name: "the key's mac before any object or query",
    cut: operand("src/gate/authenticate.ts", "readSecret", "verifyApiKeyMac"),
    caughtBy: [limits],
  },
  {
    name: "the key's mac",
    cut: operand("src/crypto/api-key.ts", "verifyApiKeyMac", "timingSafeEqual"),
    caughtBy: ["test/crypto/api-key.test.ts"],
  },
  {
    name: "the pepper's version",
    cut: operand("src/crypto/api-key.ts", "verifyApiKeyMac", "pepper.version"),
    caughtBy: ["test/crypto/api-key.test.ts"],
  },
  {
    name: "the once a minute of unknown pepper versions",
    cut: operand("src/gate/directory-keys.ts", "directoryKeys", "age < minuteMs"),
    caughtBy: [limits],
  },
  { name: "the key's secret", cut: operand(gate, "#isGenuine", "timingSafeEqual"), caughtBy: [limits] },
  { name: "the key's expiry", cut: never(gate, "#isGenuine", "endsAt <= systemNow"), caughtBy: [terms] },
  {
    name: "the greatest age of cached rights",
    cut: operand(gate, "#current", "ageMs <"),
    caughtBy: [revocation],
  },
  {
    name: "the new look at rights that turned out too old",
    cut: body(gate, "mostAgeMs", "return maximumAgeMs;"),
    caughtBy: [moved],
  },
  {
    name: "the discard of a hydration that was invalidated meanwhile",
    cut: replaced(
      gate,
      "#read",
      "IfStatement",
      "this.#policy =",
      "this.#policy = { policy, readAt, tenantId: request.tenantId };",
    ),
    caughtBy: [revocation],
  },
  {
    name: "the revocation of a key",
    cut: conjunct(hydrate, "keyRow", '"revoked_at" is null'),
    caughtBy: [revocation],
  },
  {
    name: "the suspension of a member",
    cut: conjunct(hydrate, "memberRow", `"members"."state" = 'active'`),
    caughtBy: [moved],
  },
  {
    name: "a member's denials",
    cut: replaced(
      "src/gate/rights.ts",
      "rightsOf",
      "CallExpression",
      "without(",
      "union(union(capabilitiesOf(role, ownRole), grants), without(denials, denials))",
    ),
    caughtBy: [moved],
  },
  {
    name: "the scopes of a key within its creator's",
    cut: never(excess, "excessOf", "isSubset"),
    caughtBy: [terms],
  },
  {
    name: "the origins of a key within its creator's",
    cut: never(excess, "excessOf", "creator.allowedOrigins"),
    caughtBy: [keys],
  },
  {
    name: "the locations of a key within its creator's",
    cut: never(excess, "excessOf", "locationIds?.every"),
    caughtBy: [terms],
  },
  {
    name: "the end of a key by its creator's",
    cut: replaced(excess, "excessOf", "LogicalExpression", "expires > creator.expiresAt", "false"),
    caughtBy: [terms],
  },
  {
    name: "the refusal of a key by who sees assigned work alone",
    cut: never("src/resources/api-keys/operations.ts", "create", "principal.assigneeId"),
    caughtBy: [terms],
  },
];
