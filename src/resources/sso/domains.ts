import { eq, sql } from "drizzle-orm";
import { z } from "zod";
import { newDomainProof } from "#crypto/domain-proof.ts";
import { update as change, remove as deletion, emit, insert, mustExist, mustNotExist } from "#db/changes.ts";
import { many } from "#db/queries.ts";
import { ssoConnections, ssoDomains } from "#gate/sso-tables.ts";
import { effectOperation, readOperation, writeOperation } from "#http/operation.ts";
import { commit, Refusal, refuse, refuseField } from "#http/outcome.ts";
import { pageOf, pageQuery } from "#http/page.ts";
import { isOfDomain } from "#lib/domain-name.ts";
import { presentDomain } from "./present.ts";
import { heldRefusal, reachRefusal } from "./refusals.ts";
import { mostDomains } from "./rules.ts";
import { ConnectionId, DomainId, NewSsoDomain, SsoDomain, SsoDomainPatch } from "./schema.ts";

const params = z.object({ domainId: DomainId });
const declared = { mount: "tenant", store: "cell" } as const;
const resumeAfterSeconds = 120;

export const list = readOperation({
  ...declared,
  method: "get",
  path: "/sso-domains",
  summary: "List the domains of single sign-on, newest first",
  can: "security:read",
  query: z.strictObject(pageQuery),
  returns: pageOf(SsoDomain),
  problems: ["invalid"],
  async run({ tenant, cursors }, { query }) {
    const after = await cursors.open(query.cursor, {});
    if (after instanceof Refusal) return after;
    const where = after === null ? undefined : sql`${ssoDomains.id} < ${after}`;
    const { rows } = await tenant.read({ rows: many(ssoDomains, { where, limit: query.limit + 1 }) });
    return await cursors.page(rows, query.limit, {}, (row) => row.id, presentDomain);
  },
});

export const get = readOperation({
  ...declared,
  method: "get",
  path: "/sso-domains/{domainId}",
  summary: "Read a domain of single sign-on",
  can: "security:read",
  params,
  returns: SsoDomain,
  problems: ["not-found"],
  async run({ tenant }, { params }) {
    const row = await tenant.get(ssoDomains, params.domainId);
    return row ? presentDomain(row) : refuse("not-found");
  },
});

export const create = writeOperation({
  ...declared,
  method: "post",
  path: "/sso-domains",
  summary: "List a domain whose people shall sign in by a connection; the answer tells what DNS must say",
  can: "security:write",
  recordRefusal: true,
  body: NewSsoDomain,
  returns: SsoDomain,
  status: 201,
  problems: ["invalid", "forbidden", "domain-taken", "too-many-sso-domains"],
  async run({ principal, now, newId, ownHost }, { body }) {
    const held = heldRefusal(principal);
    if (held) return held;
    if (isOfDomain(body.domain, ownHost)) return refuseField("/domain", "is this deployment's own");
    const terms = { state: "pending" as const, isEnforced: 0, proof: newDomainProof() };
    const created = insert(ssoDomains, { id: newId("sdo"), ...body, ...terms }, now);
    const isFull = sql`(select count(*) from ${ssoDomains} where ${ssoDomains.tenantId} = ${principal.tenantId}) >= ${mostDomains}`;
    return commit(
      presentDomain(created.row),
      mustBeOurs(body.connectionId),
      mustNotExist(ssoDomains, eq(ssoDomains.domain, body.domain), { problem: "domain-taken" }),
      mustNotExist(ssoDomains, isFull, { problem: "too-many-sso-domains" }),
      created,
    );
  },
});

export const update = effectOperation({
  ...declared,
  method: "patch",
  path: "/sso-domains/{domainId}",
  summary: "Have a domain's people sign in by its connection alone, or by another connection",
  can: "security:write",
  recordRefusal: true,
  params,
  body: SsoDomainPatch,
  returns: SsoDomain,
  problems: [
    "invalid",
    "not-found",
    "domain-not-proven",
    "scopes-exceed-creator",
    "forbidden",
    "conflict",
    "precondition-failed",
  ],
  intent: z.object({ domainId: DomainId, follows: ConnectionId.nullable() }),
  resumeAfterSeconds,
  async intend({ tenant, principal, now }, { params, body: { isEnforced, connectionId } }) {
    const reach = connectionId === undefined ? heldRefusal(principal) : reachRefusal(principal);
    if (reach) return reach;
    const row = await tenant.get(ssoDomains, params.domainId);
    if (!row) return refuse("not-found");
    if (isEnforced === true && row.state !== "verified") return refuse("domain-not-proven");
    const patch = {
      connectionId,
      ...(isEnforced === undefined ? {} : { isEnforced: isEnforced ? 1 : 0 }),
    };
    return commit(
      { domainId: row.id, follows: connectionId ?? null },
      ...(connectionId === undefined ? [] : [mustBeOurs(connectionId)]),
      change(ssoDomains, row, patch, now),
    );
  },
  // The cell is the truth and changed first; the directory's pointer follows it.
  async perform({ ssoDomains: claims }, { domainId, follows }) {
    if (follows !== null) await claims.follow(domainId, follows);
  },
  async settle({ tenant }, { domainId }) {
    const row = await tenant.get(ssoDomains, domainId);
    return row ? commit(presentDomain(row)) : refuse("not-found");
  },
});

export const remove = effectOperation({
  ...declared,
  method: "delete",
  path: "/sso-domains/{domainId}",
  summary: "Remove a domain: its people no longer sign in by the connection, and others may have it",
  can: "security:write",
  recordRefusal: true,
  params,
  returns: z.null(),
  status: 204,
  problems: ["not-found", "forbidden", "conflict", "precondition-failed"],
  intent: z.object({ domainId: DomainId }),
  resumeAfterSeconds,
  async intend({ tenant, principal }, { params }) {
    const held = heldRefusal(principal);
    if (held) return held;
    const row = await tenant.get(ssoDomains, params.domainId);
    if (!row) return refuse("not-found");
    const told = emit("sso_domain.deleted", { domainId: row.id }, { table: ssoDomains, row });
    return commit({ domainId: row.id }, deletion(ssoDomains, row), told);
  },
  async perform({ ssoDomains: claims }, { domainId }) {
    await claims.release(domainId);
  },
  settle: async () => commit(null),
});

function mustBeOurs(connectionId: string) {
  const otherwise = { problem: "invalid", pointer: "/connectionId" };
  return mustExist(ssoConnections, eq(ssoConnections.id, connectionId), otherwise);
}
