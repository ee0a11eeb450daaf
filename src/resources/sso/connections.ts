import { eq, sql } from "drizzle-orm";
import { z } from "zod";
import { update as change, remove as deletion, emit, insert, mustNotExist } from "#db/changes.ts";
import type { EventType } from "#db/event-types.ts";
import { many } from "#db/queries.ts";
import { ssoConnections, ssoDomains } from "#gate/sso-tables.ts";
import { readOperation, writeOperation } from "#http/operation.ts";
import { commit, Refusal, refuse, refuseField } from "#http/outcome.ts";
import { pageOf, pageQuery } from "#http/page.ts";
import { type ConnectionRow, presentConnection } from "./present.ts";
import { heldRefusal, issuerRefusal, reachRefusal } from "./refusals.ts";
import { mostConnections } from "./rules.ts";
import { ConnectionId, NewSsoConnection, SsoConnection, SsoConnectionPatch } from "./schema.ts";

const params = z.object({ connectionId: ConnectionId });
const declared = { mount: "tenant", store: "cell" } as const;

export const list = readOperation({
  ...declared,
  method: "get",
  path: "/sso-connections",
  summary: "List the issuers that people may sign in by, newest first",
  can: "security:read",
  query: z.strictObject(pageQuery),
  returns: pageOf(SsoConnection),
  problems: ["invalid"],
  async run({ tenant, cursors }, { query }) {
    const after = await cursors.open(query.cursor, {});
    if (after instanceof Refusal) return after;
    const where = after === null ? undefined : sql`${ssoConnections.id} < ${after}`;
    const { rows } = await tenant.read({ rows: many(ssoConnections, { where, limit: query.limit + 1 }) });
    return await cursors.page(rows, query.limit, {}, (row) => row.id, presentConnection);
  },
});

export const get = readOperation({
  ...declared,
  method: "get",
  path: "/sso-connections/{connectionId}",
  summary: "Read an issuer that people may sign in by",
  can: "security:read",
  params,
  returns: SsoConnection,
  problems: ["not-found"],
  async run({ tenant }, { params }) {
    const row = await tenant.get(ssoConnections, params.connectionId);
    return row ? presentConnection(row) : refuse("not-found");
  },
});

export const create = writeOperation({
  ...declared,
  method: "post",
  path: "/sso-connections",
  summary: "Let people sign in by an issuer (OpenID Connect), once a domain of theirs is verified",
  can: "security:write",
  recordRefusal: true,
  body: NewSsoConnection,
  returns: SsoConnection,
  status: 201,
  problems: ["invalid", "scopes-exceed-creator", "forbidden", "too-many-sso-connections"],
  async run(context, { body }) {
    const { principal, now, newId } = context;
    const refusal = reachRefusal(principal) ?? (await issuerRefusal(context, body.issuer));
    if (refusal) return refusal;
    const flags = { allLocations: bit(body.allLocations), addsMembers: bit(body.addsMembers) };
    const created = insert(ssoConnections, { id: newId("sso"), ...body, ...flags, state: "active" }, now);
    const isFull = sql`(select count(*) from ${ssoConnections} where ${ssoConnections.tenantId} = ${principal.tenantId}) >= ${mostConnections}`;
    return commit(
      presentConnection(created.row),
      mustNotExist(ssoConnections, isFull, { problem: "too-many-sso-connections" }),
      created,
      told("sso_connection.created", created.row),
    );
  },
});

export const update = writeOperation({
  ...declared,
  method: "patch",
  path: "/sso-connections/{connectionId}",
  summary: "Change an issuer that people may sign in by; another issuer is given another secret",
  can: "security:write",
  recordRefusal: true,
  params,
  body: SsoConnectionPatch,
  returns: SsoConnection,
  problems: ["invalid", "not-found", "scopes-exceed-creator", "forbidden", "conflict", "precondition-failed"],
  async run(context, { params, body }) {
    const { tenant, principal, now } = context;
    const row = await tenant.get(ssoConnections, params.connectionId);
    if (!row) return refuse("not-found");
    const reach = reachRefusal(principal);
    if (reach) return reach;
    if (body.issuer !== undefined && body.issuer !== row.issuer) {
      // Else whoever may change it could have the secret sent to a server of theirs.
      if (body.clientSecret === undefined)
        return refuseField("/clientSecret", "is needed where the issuer is another");
      const fault = await issuerRefusal(context, body.issuer);
      if (fault) return fault;
    }
    const flags = {
      allLocations: bit(body.allLocations ?? row.allLocations === 1),
      addsMembers: bit(body.addsMembers ?? row.addsMembers === 1),
    };
    const changed = change(ssoConnections, row, { ...body, ...flags }, now);
    return commit(presentConnection(changed.row), changed, told("sso_connection.updated", row));
  },
});

export const remove = writeOperation({
  ...declared,
  method: "delete",
  path: "/sso-connections/{connectionId}",
  summary: "Remove an issuer that no domain signs in by",
  can: "security:write",
  recordRefusal: true,
  params,
  returns: z.null(),
  status: 204,
  problems: ["not-found", "forbidden", "connection-in-use", "conflict", "precondition-failed"],
  async run({ tenant, principal }, { params }) {
    const held = heldRefusal(principal);
    if (held) return held;
    const row = await tenant.get(ssoConnections, params.connectionId);
    if (!row) return refuse("not-found");
    return commit(
      null,
      mustNotExist(ssoDomains, eq(ssoDomains.connectionId, row.id), { problem: "connection-in-use" }),
      deletion(ssoConnections, row),
      told("sso_connection.deleted", row),
    );
  },
});

function bit(flag: boolean): 0 | 1 {
  return flag ? 1 : 0;
}

function told(event: EventType, row: ConnectionRow) {
  return emit(event, { connectionId: row.id }, { table: ssoConnections, row });
}
