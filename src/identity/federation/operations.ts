import { sql } from "drizzle-orm";
import { z } from "zod";
import { directoryTenants, platformTenant, ssoDomainClaims } from "#db/directory-tables.ts";
import { many } from "#db/queries.ts";
import { type VisitorContext, visitorOperation } from "#http/account-operation.ts";
import { AccountEmail } from "#http/fields.ts";
import { publicOperation } from "#http/operation.ts";
import { commit, Refusal, refuse } from "#http/outcome.ts";
import type { ProblemName } from "#http/problem.ts";
import { uncounted } from "#identity/accounts/attempt.ts";
import { tell } from "#identity/identity-events.ts";
import { Tokens } from "#identity/sessions/schema.ts";
import { domainOf } from "#lib/email-address.ts";
import { ssoReferenceOf } from "#lib/sso-reference.ts";
import { arrive } from "./arrive.ts";
import { askForCode } from "./email-proof.ts";
import { beginFlow, endFlow } from "./flows.ts";
import { FlowAnswer, FlowBegun, Providers, SourceName, SsoFound } from "./schema.ts";

const purpose = "sign-in";

export const providers = visitorOperation({
  mount: "public",
  method: "get",
  path: "/v1/sign-in/providers",
  summary: "List whom one can sign in with besides a password",
  can: publicOperation({ because: "it stands on the page where one signs in" }),
  store: "directory",
  returns: Providers,
  problems: [],
  async run({ accounts }) {
    return commit({ data: [...accounts.federation.providers] });
  },
});

export const begin = visitorOperation({
  mount: "public",
  method: "post",
  path: "/v1/sign-in/federated",
  summary: "Begin to sign in at another issuer: Google, Apple, Microsoft, or a business's own",
  can: publicOperation({ because: "it says where to go, and is written nowhere" }),
  store: "directory",
  body: z
    .strictObject({
      source: SourceName.meta({ description: "A provider's name, or what POST /v1/sign-in/sso answered." }),
      isFresh: z
        .boolean()
        .default(false)
        .meta({ description: "Whoever is signed in there already proves anew that it is them." }),
    })
    .meta({ id: "FederatedSignIn" }),
  returns: FlowBegun,
  status: 201,
  problems: ["not-found"],
  async run(context, { body: { source, isFresh } }) {
    const begun = await beginFlow(context, { purpose, source, isFresh });
    return begun instanceof Refusal ? begun : commit(begun);
  },
});

export const sso = visitorOperation({
  mount: "public",
  method: "post",
  path: "/v1/sign-in/sso",
  summary: "Find the business's own sign-in for an address",
  can: publicOperation({
    because: "which domain signs in where is no secret, and the address is not looked at",
  }),
  store: "directory",
  body: z.strictObject({ email: AccountEmail }).meta({ id: "SsoLookUp" }),
  returns: SsoFound,
  problems: ["sso-not-set-up"],
  async run({ directory, accounts, visitor }, { body: { email } }) {
    // Of the domain: wrong passwords for an address do not hide the way in that is left.
    const identifier = `sso ${domainOf(email)}`;
    const reservation = await accounts.reserveTry({
      purpose: "sign-in",
      identifier,
      address: visitor.address,
    });
    if (reservation.outcome === "unavailable") return uncounted;
    if (reservation.outcome === "refused") return refuse("sso-not-set-up");
    await reservation.settle("released");
    const { domain, ownerId, state } = ssoDomainClaims;
    const { claims, owners } = await directory.read({
      claims: many(ssoDomainClaims, {
        where: sql`${domain} = ${domainOf(email)} and ${state} = 'live'`,
        indexedBy: "sso_domain_claims_live",
        limit: 1,
      }),
      owners: many(directoryTenants, {
        where: sql`${directoryTenants.state} = 'active' and ${directoryTenants.id} in (select ${ownerId} from ${ssoDomainClaims} where ${ssoDomainClaims.tenantId} = ${platformTenant} and ${domain} = ${domainOf(email)} and ${state} = 'live')`,
        limit: 1,
      }),
    });
    const [claim] = claims;
    const [owner] = owners;
    if (!claim || !owner) return refuse("sso-not-set-up");
    return commit({
      source: ssoReferenceOf({ cell: owner.cell, tenantId: owner.id, id: claim.connectionId }),
    });
  },
});

export const complete = visitorOperation({
  mount: "public",
  method: "post",
  path: "/v1/sign-in/federated/complete",
  summary: "Sign in by the answer of another issuer",
  can: publicOperation({
    because: "the issuer's answer is the credential, in the browser that asked for it",
  }),
  store: "directory",
  body: FlowAnswer,
  returns: Tokens,
  status: 201,
  problems: [
    "federated-sign-in-failed",
    "sign-in-failed",
    "second-factor-required",
    "email-code-required",
    "email-missing",
    "foreign-domain",
    "sso-full",
    "challenge-not-valid",
    "not-found",
  ],
  async run(context, { body }) {
    const vouched = await endFlow(context, purpose, body);
    if (vouched instanceof Refusal) return await failedElsewhere(context, body, vouched);
    const { email, isEmailTheirs, ...rest } = vouched;
    const arrived = await arrive(context, { ...rest, provedEmail: isEmailTheirs ? email : null });
    return arrived ?? (await askForCode(context, vouched));
  },
});

const failures: readonly ProblemName[] = ["federated-sign-in-failed", "foreign-domain"];

// For the audit, as every other failed sign-in is; counted, so that nobody fills it.
async function failedElsewhere(
  { accounts, visitor }: VisitorContext,
  { flow, source }: z.output<typeof FlowAnswer>,
  refusal: Refusal,
): Promise<Refusal> {
  const { problem, details } = refusal;
  if (!failures.includes(problem)) return refusal;
  const { address } = visitor;
  const reservation = await accounts.reserveTry({ purpose: "federation", identifier: flow, address });
  if (reservation.outcome !== "admitted") return refusal;
  await reservation.settle("failure");
  return new Refusal(problem, details, tell("user.sign_in_failed", null, { by: source, problem }));
}
