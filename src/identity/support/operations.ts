import { sql } from "drizzle-orm";
import { z } from "zod";
import { insert, mustExist, update } from "#db/changes.ts";
import { directoryTenants, supportAgents, supportVisits, users } from "#db/directory-tables.ts";
import { many, one } from "#db/queries.ts";
import { meReadOperation, meWriteOperation } from "#http/account-operation.ts";
import { toldList } from "#http/fields.ts";
import { commit, Refusal, refuse } from "#http/outcome.ts";
import { passwordIn, userById } from "#identity/accounts/account-queries.ts";
import { securityAge } from "#identity/factors/security-age.ts";
import { minuteMs, timestamp } from "#lib/time.ts";
import { BegunVisit, NewVisit, SupportSessionId, Visit, VisitToken } from "./schema.ts";
import { asking, presentVisit, unprovedFactor, visitedBy, visitId, visitToken } from "./visit.ts";

const params = z.object({ supportSessionId: SupportSessionId });
const mostListed = 100;

export const begin = meWriteOperation({
  mount: "me",
  method: "post",
  path: "/support-sessions",
  summary:
    "Begin to help a business, as a support agent, as far as its grant goes; it sees that you are there",
  store: "directory",
  provedWithinSeconds: securityAge,
  body: NewVisit,
  returns: BegunVisit,
  shownOnce: ["accessToken"],
  status: 201,
  problems: [
    "invalid",
    "forbidden",
    "second-factor-enrolment-required",
    "password-change-required",
    "not-found",
    "support-not-granted",
    "too-many-support-sessions",
    "agent-is-no-member",
    "tenant-suspended",
    "conflict",
  ],
  async run(context, { body }) {
    const { directory, accounts, user, now } = context;
    const {
      me,
      current,
      agents,
      passwords: [password],
      tenant,
    } = await directory.read({
      ...asking(context),
      passwords: passwordIn(userById(user.userId)),
      me: one(users, user.userId),
      tenant: one(directoryTenants, body.tenantId),
    });
    if (!me || !current) return refuse("unauthorized");
    const [agent] = agents;
    if (!agent) return refuse("forbidden");
    const weak = unprovedFactor(current, now, securityAge);
    if (weak) return weak;
    // Who became an agent since chose it by other rules.
    if (password?.isStrong === 0) return refuse("password-change-required");
    if (tenant?.state !== "active") return refuse("not-found");
    const { grantId, memberId: asWhom, reason, ticket, minutes } = body;
    const id = await visitId(context);
    const place = { tenantId: tenant.id, cell: tenant.cell };
    const begun = await accounts.support.begin(place, {
      agent: { id: agent.id, role: agent.role, name: me.name, userId: me.id },
      sessionId: id,
      grantId,
      memberId: asWhom ?? null,
      reason,
      ticket,
      lifeMs: minutes * minuteMs,
    });
    if (begun instanceof Refusal) return begun;
    const { memberId, expiresAt } = begun;
    const visit = insert(
      supportVisits,
      {
        id,
        agentId: agent.id,
        userId: me.id,
        sessionId: current.id,
        visitedTenantId: tenant.id,
        grantId,
        memberId,
        ticket,
        expiresAt,
      },
      now,
    );
    const token = await visitToken(context, visit.row, tenant.cell, current);
    return commit(
      { ...presentVisit(visit.row), ...token },
      // Whoever was removed meanwhile has no visit here, nor a token; that in the cell is over with its time.
      mustExist(supportAgents, sql`${supportAgents.id} = ${agent.id} and ${supportAgents.state} = 'active'`, {
        problem: "forbidden",
      }),
      visit,
    );
  },
});

export const token = meReadOperation({
  mount: "me",
  method: "post",
  path: "/support-sessions/{supportSessionId}/token",
  summary: "Get another access token of a support session of yours that goes on",
  store: "directory",
  params,
  returns: VisitToken,
  problems: ["forbidden", "second-factor-enrolment-required", "not-found"],
  async run(context, { params: { supportSessionId } }) {
    const { directory, now } = context;
    const { current, agents, visit, tenants } = await directory.read({
      ...asking(context),
      visit: one(supportVisits, supportSessionId),
      tenants: visitedBy(supportSessionId),
    });
    if (!current) return refuse("unauthorized");
    const [tenant] = tenants;
    if (!visit || !tenant) return refuse("not-found");
    if (!agents.some(({ id }) => id === visit.agentId)) return refuse("forbidden");
    if (visit.endedAt !== null || visit.expiresAt <= timestamp(now)) return refuse("not-found");
    return unprovedFactor(current, now, null) ?? (await visitToken(context, visit, tenant.cell, current));
  },
});

export const list = meReadOperation({
  mount: "me",
  method: "get",
  path: "/support-sessions",
  summary: "List where you were as a support agent, and are, newest first",
  store: "directory",
  returns: z.object({ data: toldList(Visit, mostListed) }).meta({ id: "SupportVisits" }),
  problems: [],
  async run({ directory }) {
    const { visits } = await directory.read({ visits: many(supportVisits, { limit: mostListed }) });
    return { data: visits.map(presentVisit) };
  },
});

export const end = meWriteOperation({
  mount: "me",
  method: "post",
  path: "/support-sessions/{supportSessionId}/end",
  summary: "End a support session of yours, from its next request on",
  store: "directory",
  params,
  returns: z.null(),
  status: 204,
  problems: ["not-found"],
  async run({ directory, accounts, now }, { params: { supportSessionId } }) {
    const { visit, tenants } = await directory.read({
      visit: one(supportVisits, supportSessionId),
      tenants: visitedBy(supportSessionId),
    });
    const [tenant] = tenants;
    if (!visit || !tenant) return refuse("not-found");
    if (visit.endedAt !== null) return commit(null);
    const { agentId, grantId, memberId } = visit;
    const over = await accounts.support.end(
      { tenantId: tenant.id, cell: tenant.cell },
      {
        kind: "support-agent",
        id: agentId,
        support: { sessionId: visit.id, grantId, memberId },
      },
    );
    return commit(null, update(supportVisits, visit, over, now));
  },
});
