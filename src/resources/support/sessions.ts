import { desc, eq, sql } from "drizzle-orm";
import { z } from "zod";
import { many, one } from "#db/queries.ts";
import type { Row } from "#db/tenant-table.ts";
import { supportEnded } from "#gate/support-ends.ts";
import { supportSessions, visitingAgents } from "#gate/support-tables.ts";
import { readOperation, writeOperation } from "#http/operation.ts";
import { commit, Refusal, refuse } from "#http/outcome.ts";
import { pageOf, pageQuery } from "#http/page.ts";
import { SupportSession, SupportSessionId } from "./schema.ts";

export const list = readOperation({
  mount: "tenant",
  method: "get",
  path: "/support-sessions",
  summary: "List who of support was here, newest first, with those who are",
  can: "support:read",
  store: "cell",
  query: z.strictObject(pageQuery),
  returns: pageOf(SupportSession),
  problems: ["invalid"],
  async run({ tenant, cursors, principal }, { query }) {
    const after = await cursors.open(query.cursor, {});
    if (after instanceof Refusal) return after;
    const { tenantId, id, agentId } = supportSessions;
    const where = after === null ? sql`1` : sql`${id} < ${after}`;
    const limit = query.limit + 1;
    const onPage = sql`select ${agentId} from ${supportSessions} where ${eq(tenantId, principal.tenantId)} and ${where} order by ${desc(id)} limit ${limit}`;
    const { rows, agents } = await tenant.read({
      rows: many(supportSessions, { where, limit }),
      agents: many(visitingAgents, { where: sql`${visitingAgents.id} in (${onPage})`, limit }),
    });
    return await cursors.page(
      rows,
      query.limit,
      {},
      (row) => row.id,
      (row) => presentSession(row, agents),
    );
  },
});

export const end = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/support-sessions/{supportSessionId}/end",
  summary: "End an agent's session, from their next request on",
  can: "support:grant",
  recordRefusal: true,
  store: "cell",
  params: z.object({ supportSessionId: SupportSessionId }),
  returns: SupportSession,
  problems: ["not-found", "conflict", "precondition-failed"],
  async run({ tenant, now, principal }, { params: { supportSessionId } }) {
    const { tenantId, id, agentId } = supportSessions;
    const whose = sql`select ${agentId} from ${supportSessions} where ${eq(tenantId, principal.tenantId)} and ${eq(id, supportSessionId)}`;
    const { row, agents } = await tenant.read({
      row: one(supportSessions, supportSessionId),
      agents: many(visitingAgents, { where: sql`${visitingAgents.id} in (${whose})`, limit: 1 }),
    });
    if (!row) return refuse("not-found");
    const ended = supportEnded(row, "business", now);
    return commit(presentSession(ended.row, agents), ...ended.changes);
  },
});

function presentSession(row: Row<typeof supportSessions>, agents: readonly Row<typeof visitingAgents>[]) {
  return { ...row, agentName: agents.find(({ id }) => id === row.agentId)?.name ?? "" };
}
