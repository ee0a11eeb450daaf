import { sql } from "drizzle-orm";
import { z } from "zod";
import { many, one } from "#db/queries.ts";
import { listOf } from "#gate/capabilities.ts";
import { supportSessions, visitingAgents } from "#gate/support-tables.ts";
import { apiKeys, members } from "#gate/tables.ts";
import { personal, Timestamp, told, toldId, toldList } from "#http/fields.ts";
import { anyPrincipal, readOperation } from "#http/operation.ts";
import { timestamp } from "#lib/time.ts";

/** As many as there can be at a time. */
const mostRunning = 20;

const Running = z
  .object({
    id: toldId("sps"),
    agentId: toldId("agt"),
    agentName: told(200, "Grace Hopper"),
    memberId: toldId("mbr").meta({ description: "As far as whose rights and places." }),
    reason: told(200, "To see the invoice that came twice."),
    ticket: told(64, "HELP-4711"),
    expiresAt: Timestamp,
  })
  .meta({ id: "RunningSupportSession" });

const Me = z
  .object({
    kind: z.enum(["member", "api-key", "client", "support-agent"]),
    id: told(100, "mbr_01jd5r0t6vf3h8k2m4n6p8q0rs"),
    name: personal(told(200, "Ada Lovelace"))
      .nullable()
      .meta({ description: "Of the member, the key, or the agent of support." }),
    role: told(40, "manager").nullable().meta({ description: "Of a member; null for a program." }),
    tenantId: toldId("ten"),
    slug: told(64, "harbour"),
    capabilities: toldList(told(64, "orders:read"), 128).meta({
      description: "What these credentials may do: role and grants without denials, within their own scope.",
    }),
    allLocations: z.boolean(),
    locationIds: toldList(toldId("loc"), 50).meta({ description: "Where, unless everywhere." }),
    assignedOnly: z.boolean().meta({ description: "Of what is somebody's, only what is assigned to you." }),
    supportSessions: toldList(Running, mostRunning).meta({
      description:
        "Who of support is here now: tell it to whoever works here. To an agent, their own; to a program of its own right, none.",
    }),
  })
  .meta({ id: "EffectiveRights" });

export const get = readOperation({
  mount: "tenant",
  method: "get",
  path: "/me",
  summary: "Read what your credentials may do here, and where",
  can: anyPrincipal({ because: "everybody may know what they may do" }),
  store: "cell",
  returns: Me,
  problems: [],
  async run({ tenant, principal, now }) {
    // From the cell, so that rights which were taken away are shown no longer.
    const { endedAt, expiresAt, agentId } = supportSessions;
    const isRunning = sql`${endedAt} is null and ${expiresAt} > ${timestamp(now)}`;
    const here = sql`select ${agentId} from ${supportSessions} where ${supportSessions.tenantId} = ${principal.tenantId} and ${isRunning}`;
    const { member, key, sessions, agents } = await tenant.read({
      member: one(members, principal.id),
      key: one(apiKeys, principal.id),
      sessions: many(supportSessions, {
        where: isRunning,
        indexedBy: "support_sessions_running",
        limit: mostRunning,
      }),
      agents: many(visitingAgents, { where: sql`${visitingAgents.id} in (${here})`, limit: mostRunning }),
    });
    const nameOf = (agent: string | undefined) => agents.find((each) => each.id === agent)?.name;
    const own = sessions.find((session) => session.id === principal.id);
    const shown = principal.kind === "member" ? sessions : own ? [own] : [];
    const { kind, id, tenantId, slug, capabilities, locations, assigneeId } = principal;
    return {
      kind: kind === "system" ? "client" : kind,
      id,
      name: member?.name ?? key?.name ?? nameOf(own?.agentId) ?? null,
      role: member?.role ?? null,
      tenantId,
      slug,
      capabilities: listOf(capabilities),
      allLocations: locations === null,
      locationIds: [...(locations ?? [])],
      assignedOnly: assigneeId !== null,
      supportSessions: shown.map((session) => ({ ...session, agentName: nameOf(session.agentId) ?? "" })),
    };
  },
});
