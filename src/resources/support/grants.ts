import { eq, sql } from "drizzle-orm";
import { z } from "zod";
import { emit, insert, update } from "#db/changes.ts";
import { many, one } from "#db/queries.ts";
import { maskOf } from "#gate/capabilities.ts";
import { supportEnded } from "#gate/support-ends.ts";
import { mostSupportSessions, supportGrants, supportSessions } from "#gate/support-tables.ts";
import { members } from "#gate/tables.ts";
import { readOperation, writeOperation } from "#http/operation.ts";
import { commit, Refusal, refuse, refuseField } from "#http/outcome.ts";
import { pageOf, pageQuery } from "#http/page.ts";
import { timestamp } from "#lib/time.ts";
import { endFault, presentGrant } from "./rules.ts";
import { NewSupportGrant, SupportGrant, SupportGrantId } from "./schema.ts";

const params = z.object({ supportGrantId: SupportGrantId });

export const list = readOperation({
  mount: "tenant",
  method: "get",
  path: "/support-grants",
  summary: "List what support was allowed here, newest first",
  can: "support:read",
  store: "cell",
  query: z.strictObject(pageQuery),
  returns: pageOf(SupportGrant),
  problems: ["invalid"],
  async run({ tenant, cursors }, { query }) {
    const after = await cursors.open(query.cursor, {});
    if (after instanceof Refusal) return after;
    const where = after === null ? sql`1` : sql`${supportGrants.id} < ${after}`;
    const { rows } = await tenant.read({ rows: many(supportGrants, { where, limit: query.limit + 1 }) });
    return await cursors.page(rows, query.limit, {}, (row) => row.id, presentGrant);
  },
});

export const get = readOperation({
  mount: "tenant",
  method: "get",
  path: "/support-grants/{supportGrantId}",
  summary: "Read what support was allowed by a grant",
  can: "support:read",
  store: "cell",
  params,
  returns: SupportGrant,
  problems: ["not-found"],
  async run({ tenant }, { params }) {
    const row = await tenant.get(supportGrants, params.supportGrantId);
    return row ? presentGrant(row) : refuse("not-found");
  },
});

export const create = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/support-grants",
  summary: "Allow those who run this deployment to look, and to do what you name, until some moment",
  can: "support:grant",
  inPerson: true,
  recordRefusal: true,
  store: "cell",
  body: NewSupportGrant,
  returns: SupportGrant,
  status: 201,
  problems: ["invalid", "forbidden"],
  async run({ tenant, principal, now, newId }, { body }) {
    // Whoever is not an owner themselves lets no strangers in.
    const { mine } = await tenant.read({ mine: one(members, principal.id) });
    if (mine?.role !== "owner") return refuse("forbidden");
    const { reason, capabilities, showsPersonalData, expiresAt } = body;
    const fault = endFault(expiresAt, now);
    if (fault) return refuseField("/expiresAt", fault);
    const created = insert(
      supportGrants,
      {
        id: newId("sgr"),
        ownerId: mine.id,
        reason,
        capabilities: maskOf(capabilities),
        showsPersonalData: showsPersonalData ? 1 : 0,
        expiresAt,
      },
      now,
    );
    const { id: supportGrantId } = created.row;
    return commit(
      presentGrant(created.row),
      created,
      emit("support.granted", { supportGrantId, expiresAt }, { table: supportGrants, row: created.row }),
    );
  },
});

export const end = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/support-grants/{supportGrantId}/end",
  summary: "End a grant, and with it each session that it let begin, at once",
  can: "support:grant",
  recordRefusal: true,
  store: "cell",
  params,
  returns: SupportGrant,
  problems: ["not-found", "conflict", "precondition-failed"],
  async run({ tenant, now }, { params }) {
    const { grantId, endedAt, expiresAt } = supportSessions;
    const { row, sessions } = await tenant.read({
      row: one(supportGrants, params.supportGrantId),
      sessions: many(supportSessions, {
        where: sql`${eq(grantId, params.supportGrantId)} and ${endedAt} is null and ${expiresAt} > ${timestamp(now)}`,
        indexedBy: "support_sessions_by_grant",
        limit: mostSupportSessions,
      }),
    });
    if (!row) return refuse("not-found");
    if (row.endedAt !== null || row.expiresAt <= timestamp(now)) return commit(presentGrant(row));
    const ended = update(supportGrants, row, { endedAt: timestamp(now) }, now);
    return commit(
      presentGrant(ended.row),
      ended,
      ...sessions.flatMap((session) => supportEnded(session, "grant", now).changes),
      emit("support.grant_ended", { supportGrantId: row.id }, { table: supportGrants, row }),
    );
  },
});
