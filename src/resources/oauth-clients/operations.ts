import { sql } from "drizzle-orm";
import { z } from "zod";
import { update as change, type Emit, emit, insert, mustNotExist } from "#db/changes.ts";
import { endGrantsOf } from "#db/oauth-grants.ts";
import { many } from "#db/queries.ts";
import { isCapability, isSubset, maskOf } from "#gate/capabilities.ts";
import { oauthClients } from "#gate/tables.ts";
import { type Principal, readOperation, type TenantContext, writeOperation } from "#http/operation.ts";
import { commit, Refusal, refuse, refuseField } from "#http/outcome.ts";
import { pageOf, pageQuery } from "#http/page.ts";
import { isSandbox } from "#lib/sandbox.ts";
import { timestamp } from "#lib/time.ts";
import { type ClientRow, presentTo, termsOf } from "./present.ts";
import { type ClientTerms, excessOf, mostClients, termsFault } from "./rules.ts";
import { NewOAuthClient, OAuthClient, OAuthClientId, OAuthClientPatch, WithClientSecret } from "./schema.ts";

const params = z.object({ oauthClientId: OAuthClientId });
const isPresent = sql`${oauthClients.deletedAt} is null`;

export const list = readOperation({
  mount: "tenant",
  method: "get",
  path: "/oauth-clients",
  summary: "List OAuth clients, newest first",
  can: "integrations:manage",
  store: "cell",
  query: z.strictObject(pageQuery),
  returns: pageOf(OAuthClient),
  problems: ["invalid"],
  async run({ tenant, cursors, principal }, { query }) {
    const after = await cursors.open(query.cursor, {});
    if (after instanceof Refusal) return after;
    const where = after === null ? isPresent : sql`${isPresent} and ${oauthClients.id} < ${after}`;
    const { rows } = await tenant.read({
      rows: many(oauthClients, { where, indexedBy: "oauth_clients_present", limit: query.limit + 1 }),
    });
    return await cursors.page(rows, query.limit, {}, (row) => row.id, presentTo(principal));
  },
});

export const get = readOperation({
  mount: "tenant",
  method: "get",
  path: "/oauth-clients/{oauthClientId}",
  summary: "Read an OAuth client",
  can: "integrations:manage",
  store: "cell",
  params,
  returns: OAuthClient,
  problems: ["not-found"],
  async run(context, { params }) {
    const row = await presentClient(context, params.oauthClientId);
    return row ? presentTo(context.principal)(row) : refuse("not-found");
  },
});

export const create = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/oauth-clients",
  summary: "Let a program in by OAuth 2.1; the secret of a confidential one is shown once",
  can: "integrations:manage",
  recordRefusal: true,
  store: "cell",
  body: NewOAuthClient,
  returns: WithClientSecret,
  shownOnce: ["clientSecret"],
  status: 201,
  problems: ["invalid", "scopes-exceed-creator", "too-many-clients", "forbidden"],
  async run(context, { body }) {
    const { principal, now, newId } = context;
    const { name, type } = body;
    const terms = { ...body, scopes: body.scopes.filter(isCapability) };
    const refusal = termsRefusal(terms, principal);
    if (refusal) return refusal;
    const id = newId("cli");
    const { secret, kept } = await newSecret(context, id, type);
    const created = insert(
      oauthClients,
      { id, name, type, ...columnsOf(terms), ...kept, shownVersion: 1, creatorId: principal.id },
      now,
    );
    const all = sql`(select count(*) from ${oauthClients} where ${oauthClients.tenantId} = ${principal.tenantId} and ${isPresent}) >= ${mostClients}`;
    return commit(
      { ...presentTo(principal)(created.row), clientSecret: secret },
      mustNotExist(oauthClients, all, { problem: "too-many-clients" }),
      created,
      told("created", created.row),
    );
  },
});

export const update = writeOperation({
  mount: "tenant",
  method: "patch",
  path: "/oauth-clients/{oauthClientId}",
  summary:
    "Change an OAuth client; by another name or address it is asked for anew, and what members allowed it ends where it may do less",
  can: "integrations:manage",
  recordRefusal: true,
  store: "cell",
  params,
  body: OAuthClientPatch,
  returns: OAuthClient,
  problems: ["invalid", "not-found", "scopes-exceed-creator", "forbidden", "conflict", "precondition-failed"],
  async run(context, { params, body }) {
    const { principal, now } = context;
    const row = await presentClient(context, params.oauthClientId);
    if (!row) return refuse("not-found");
    const before = termsOf(row);
    const terms = {
      type: before.type,
      grantTypes: body.grantTypes ?? before.grantTypes,
      redirectUris: body.redirectUris ?? before.redirectUris,
      scopes: body.scopes?.filter(isCapability) ?? before.scopes,
    };
    const refusal = termsRefusal(terms, principal);
    if (refusal) return refusal;
    const { name = row.name } = body;
    const isOther = name !== row.name || !isSame(terms.redirectUris, before.redirectUris);
    const shownVersion = row.shownVersion + (isOther ? 1 : 0);
    const changed = change(oauthClients, row, { name: body.name, shownVersion, ...columnsOf(terms) }, now);
    return commit(
      presentTo(principal)(changed.row),
      changed,
      told("updated", row),
      ...(isNarrower(terms, before)
        ? endGrantsOf(principal.tenantId, { clientId: row.id }, "client-changed", now)
        : []),
    );
  },
});

export const rotate = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/oauth-clients/{oauthClientId}/rotate-secret",
  summary: "Make another secret for a confidential client; the old one is refused at once",
  can: "integrations:manage",
  recordRefusal: true,
  store: "cell",
  params,
  returns: WithClientSecret,
  shownOnce: ["clientSecret"],
  problems: ["invalid", "not-found", "scopes-exceed-creator", "forbidden", "conflict", "precondition-failed"],
  async run(context, { params }) {
    const { principal, now } = context;
    const row = await presentClient(context, params.oauthClientId);
    if (!row) return refuse("not-found");
    if (row.type === "public") return refuseField("", "a public client has no secret");
    // Who knows the secret can do what the client may.
    const refusal = excessRefusal(termsOf(row), principal);
    if (refusal) return refusal;
    const { secret, kept } = await newSecret(context, row.id, row.type);
    const rotated = change(oauthClients, row, kept, now);
    return commit(
      { ...presentTo(principal)(rotated.row), clientSecret: secret },
      rotated,
      told("secret_rotated", row),
    );
  },
});

export const remove = writeOperation({
  mount: "tenant",
  method: "delete",
  path: "/oauth-clients/{oauthClientId}",
  summary: "Remove an OAuth client; its tokens are refused at once, its members' consents are void",
  can: "integrations:manage",
  store: "cell",
  params,
  returns: z.null(),
  status: 204,
  problems: ["not-found", "conflict", "precondition-failed"],
  async run(context, { params }) {
    const { principal, now } = context;
    const row = await presentClient(context, params.oauthClientId);
    if (!row) return refuse("not-found");
    return commit(
      null,
      change(oauthClients, row, { deletedAt: timestamp(now) }, now),
      told("deleted", row),
      ...endGrantsOf(principal.tenantId, { clientId: row.id }, "client-removed", now),
    );
  },
});

function told(what: "created" | "updated" | "secret_rotated" | "deleted", row: ClientRow): Emit {
  return emit(`oauth_client.${what}`, { oauthClientId: row.id }, { table: oauthClients, row });
}

async function presentClient({ tenant }: TenantContext, id: string): Promise<ClientRow | null> {
  const row = await tenant.get(oauthClients, id);
  return row?.deletedAt === null ? row : null;
}

function termsRefusal(terms: ClientTerms, principal: Principal): Refusal | null {
  const fault = termsFault(terms);
  return fault ? refuseField(fault.pointer, fault.detail) : excessRefusal(terms, principal);
}

function excessRefusal({ scopes }: ClientTerms, principal: Principal): Refusal | null {
  const excess = excessOf(scopes, principal);
  if (excess === "reach") return refuse("forbidden");
  return excess && refuseField("/scopes", "is more than the creator's own", "scopes-exceed-creator");
}

function columnsOf({ redirectUris, grantTypes, scopes }: ClientTerms) {
  return {
    redirectUris: JSON.stringify(redirectUris),
    grantTypes: JSON.stringify(grantTypes),
    scopes: maskOf(scopes),
  };
}

function isNarrower(terms: ClientTerms, before: ClientTerms): boolean {
  return !(
    isSubset(maskOf(before.scopes), maskOf(terms.scopes)) &&
    keeps(terms.grantTypes, before.grantTypes) &&
    keeps(terms.redirectUris, before.redirectUris)
  );
}

function keeps(kept: readonly string[], all: readonly string[]): boolean {
  return all.every((each) => kept.includes(each));
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return keeps(some, others) && keeps(others, some);
}

async function newSecret(
  { mintApiKey, principal }: TenantContext,
  id: string,
  type: ClientTerms["type"],
): Promise<{ secret: string | null; kept: { secretHash: string | null; pepperVersion: number | null } }> {
  if (type === "public") return { secret: null, kept: { secretHash: null, pepperVersion: null } };
  const { key, secretHash, pepperVersion } = await mintApiKey(
    isSandbox(principal.slug) ? "test" : "live",
    id,
  );
  return { secret: key, kept: { secretHash, pepperVersion } };
}
