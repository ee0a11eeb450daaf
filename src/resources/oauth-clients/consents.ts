import { eq, sql } from "drizzle-orm";
import { z } from "zod";
import { remove as deletion } from "#db/changes.ts";
import { endGrantsOf } from "#db/oauth-grants.ts";
import { many, one } from "#db/queries.ts";
import { oauthClients, oauthConsents } from "#gate/tables.ts";
import { stored, told, toldId } from "#http/fields.ts";
import { readOperation, writeOperation } from "#http/operation.ts";
import { commit, Refusal, refuse } from "#http/outcome.ts";
import { pageOf, pageQuery } from "#http/page.ts";
import { typeId } from "#lib/typeid.ts";
import { OAuthClientId } from "./schema.ts";

const Consent = z
  .object({
    id: toldId("oco"),
    memberId: toldId("mbr"),
    scope: told(4096, "openid orders:read").meta({
      description: "What the member allowed, in words of OAuth.",
    }),
    ...stored,
  })
  .meta({ id: "OAuthConsent" });

export const consents = readOperation({
  mount: "tenant",
  method: "get",
  path: "/oauth-clients/{oauthClientId}/consents",
  summary: "List which members allowed an OAuth client what, newest first",
  can: "integrations:manage",
  store: "cell",
  params: z.object({ oauthClientId: OAuthClientId }),
  query: z.strictObject(pageQuery),
  returns: pageOf(Consent),
  problems: ["invalid", "not-found"],
  async run({ tenant, cursors }, { params: { oauthClientId }, query }) {
    const filter = { oauthClientId };
    const after = await cursors.open(query.cursor, filter);
    if (after instanceof Refusal) return after;
    const ofClient = eq(oauthConsents.clientId, oauthClientId);
    const where = after === null ? ofClient : sql`${ofClient} and ${oauthConsents.id} < ${after}`;
    const { client, rows } = await tenant.read({
      client: one(oauthClients, oauthClientId),
      rows: many(oauthConsents, { where, indexedBy: "oauth_consents_by_client", limit: query.limit + 1 }),
    });
    if (client?.deletedAt !== null) return refuse("not-found");
    return await cursors.page(
      rows,
      query.limit,
      filter,
      (row) => row.id,
      (row) => row,
    );
  },
});

export const revokeConsent = writeOperation({
  mount: "tenant",
  method: "delete",
  path: "/oauth-clients/{oauthClientId}/consents/{oauthConsentId}",
  summary: "Take back what a member allowed an OAuth client; its tokens for them are refused at once",
  can: "integrations:manage",
  store: "cell",
  params: z.object({ oauthClientId: OAuthClientId, oauthConsentId: typeId("oco") }),
  returns: z.null(),
  status: 204,
  problems: ["not-found", "conflict", "precondition-failed"],
  async run({ tenant, principal, now }, { params }) {
    const consent = await tenant.get(oauthConsents, params.oauthConsentId);
    if (consent?.clientId !== params.oauthClientId) return refuse("not-found");
    const { clientId, memberId } = consent;
    return commit(
      null,
      deletion(oauthConsents, consent),
      ...endGrantsOf(principal.tenantId, { clientId, memberId }, "revoked-by-tenant", now),
    );
  },
});
