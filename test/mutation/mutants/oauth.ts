import { body, conjunct, never, operand, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const authorize = "src/identity/oauth/authorize.ts";
const byCode = "src/identity/oauth/by-code.ts";
const byRefresh = "src/identity/oauth/by-refresh.ts";
const grants = "src/db/oauth-grants.ts";
const ofCode = ["test/identity/oauth/code.test.ts"];
const ofGrants = ["test/identity/oauth/grants.test.ts"];
const ofClients = ["test/identity/oauth/client-credentials.test.ts"];
const ofUris = ["test/lib/redirect-uri.test.ts"];

/** What an OAuth client is held to. */
export const oauth: readonly Mutant[] = [
  {
    name: "the registered redirect URI",
    cut: never(authorize, "atTenant", "isRegisteredRedirect"),
    caughtBy: ofCode,
  },
  {
    name: "the one spelling of a redirect URI",
    cut: never("src/lib/redirect-uri.ts", "redirectUriFault", "url.href !=="),
    caughtBy: ofUris,
  },
  {
    name: "that a parameter is there once",
    cut: never("src/identity/oauth/form.ts", "parametersOf", "form.has"),
    caughtBy: ofCode,
  },
  {
    name: "PKCE by S256 alone",
    cut: never("src/identity/oauth/authorization-request.ts", "requestOf", "code_challenge_method"),
    caughtBy: ofCode,
  },
  { name: "the verifier of a code", cut: never(byCode, "redeem", "isVerified"), caughtBy: ofGrants },
  { name: "the address of a code", cut: operand(byCode, "redeem", "grant.redirectUri"), caughtBy: ofGrants },
  {
    name: "the minute of a code",
    cut: operand(byCode, "redeem", "hasExpired"),
    wallsDown: [conjunct(grants, "nextTurn", '"expires_at" > ')],
    caughtBy: ofGrants,
  },
  {
    name: "the end of a grant whose code comes again",
    cut: replaced(byCode, "redeem", "IfStatement", '=== "active"', "void 0;"),
    caughtBy: ofGrants,
  },
  {
    name: "the end of a grant whose refresh token comes again",
    cut: replaced(byRefresh, "refresh", "IfStatement", "turn < grant.generation", "void 0;"),
    caughtBy: ofGrants,
  },
  {
    name: "the client of a grant",
    cut: conjunct(grants, "grantOf", '"oauth_grants"."client_id" = '),
    caughtBy: ofGrants,
  },
  {
    name: "what was granted, of what a refreshed token is asked for",
    cut: replaced(byRefresh, "refresh", "UnaryExpression", "words?.every", "!words"),
    caughtBy: ofGrants,
  },
  {
    name: "a second factor, or a strong password, where a business asks for it",
    cut: replaced(
      "src/identity/sessions/tenant-terms.ts",
      "heldTo",
      "ConditionalExpression",
      "unmet === null",
      "{ unmet: unmet && null, session: counted }",
    ),
    caughtBy: ofGrants,
  },
  {
    name: "that what was allowed is what was shown",
    cut: operand(authorize, "atTenant", "asking.shown"),
    caughtBy: ofCode,
  },
  {
    name: "that a client of another name or address is asked for anew",
    cut: operand("src/resources/oauth-clients/operations.ts", "update", "name !== row.name"),
    caughtBy: ofCode,
  },
  {
    name: "that a consent is to the client as it was shown",
    cut: replaced(
      authorize,
      "atTenant",
      "ConditionalExpression",
      "consent?.shownVersion === client.shownVersion",
      "consent",
    ),
    caughtBy: ofCode,
  },
  {
    name: "the program in the audit that a member did something by",
    cut: replaced("src/http/execute.ts", "actorOf", "ConditionalExpression", "by === null", "{ kind, id }"),
    caughtBy: ofGrants,
  },
  {
    name: "how a user had proved who they are when they let a client in",
    cut: replaced(
      "src/identity/oauth/issue.ts",
      "asLetIn",
      "ObjectExpression",
      "...session",
      "{ ...session, ...(proof && {}) }",
    ),
    caughtBy: ofGrants,
  },
  {
    name: "that somebody listening on the user's machine is asked for each time",
    cut: operand("src/identity/oauth/authorize.ts", "isCovered", '"https://"'),
    caughtBy: ofCode,
  },
  {
    name: "the secret of a client that has one",
    cut: operand("src/gate/gate.ts", "#isGenuine", "isBare"),
    caughtBy: ofClients,
  },
  {
    name: "that a scope is within what client and member may do",
    cut: body("src/identity/oauth/scope.ts", "within", "return [...words].filter(() => masks.length >= 0);"),
    caughtBy: ofCode,
  },
  {
    name: "the tenant of an introspected token",
    cut: operand("src/identity/oauth/introspect.ts", "tell", "claims.tenant"),
    caughtBy: ofClients,
  },
];
