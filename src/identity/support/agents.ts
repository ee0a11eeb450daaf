import { eq, sql } from "drizzle-orm";
import { insert, mustNotExist, update } from "#db/changes.ts";
import { openDirectory } from "#db/directory.ts";
import { memberships, supportAgents, supportVisits, users } from "#db/directory-tables.ts";
import { many, one } from "#db/queries.ts";
import { all } from "#db/statement.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import type { Row } from "#db/tenant-table.ts";
import { parseSupportRole } from "#gate/support-roles.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { endVisits, visitsOn } from "./end-visits.ts";

/** As many agents as there may be at a time. */
const mostAgents = 200;

export type AddOutcome =
  | "added"
  | "no-such-role"
  | "no-such-account"
  | "is-a-member"
  | "is-one-already"
  | "too-many";

/** Whether this user is an agent: they are no member anywhere, and become none. */
export function isAgent(userId: string) {
  return all(eq(supportAgents.userId, userId), eq(supportAgents.state, "active"));
}

/** Lets this account help businesses, as far as this role and their grants go. */
export async function addAgent(
  env: Env,
  { userId, role }: { readonly userId: string; readonly role: string },
  run: SystemRun,
): Promise<{ readonly outcome: AddOutcome; readonly agentId?: string }> {
  if (parseSupportRole(role) === null) return { outcome: "no-such-role" };
  const directory = await openDirectory(env);
  const user = await directory.get(users, userId);
  if (user?.state !== "active") return { outcome: "no-such-account" };
  const agentId = newId("agt");
  const { kind, ...rest } = await commitAsSystem(directory, run, [
    mustNotExist(memberships, eq(memberships.userId, user.id), { problem: "is-a-member" }),
    mustNotExist(supportAgents, isAgent(user.id), { problem: "is-one-already" }),
    mustNotExist(supportAgents, areFull(directory.tenantId), { problem: "too-many" }),
    insert(supportAgents, { id: agentId, userId: user.id, role, state: "active" }, run.now),
  ]);
  if (kind === "committed") return { outcome: "added", agentId };
  const problem = "refusal" in rest ? rest.refusal.problem : null;
  return { outcome: problem === "is-a-member" || problem === "too-many" ? problem : "is-one-already" };
}

function areFull(tenant: string) {
  const { id, tenantId, state } = supportAgents;
  return sql`${id} in (select ${id} from ${supportAgents} where ${tenantId} = ${tenant} and ${state} = 'active' limit 1 offset ${sql.raw(String(mostAgents - 1))})`;
}

/** Ends what whoever closed this account may do as an agent, where they are one. */
export async function removeAgentOf(env: Env, userId: string, run: SystemRun): Promise<void> {
  const directory = await openDirectory(env);
  const where = isAgent(userId);
  const { agents } = await directory.read({ agents: many(supportAgents, { where, limit: 1 }) });
  for (const { id } of agents) await removeAgent(env, id, run);
}

/** Active agents, newest first, with the name of each one's account. */
export async function listAgents(
  env: Env,
): Promise<readonly { readonly agent: Row<typeof supportAgents>; readonly name: string }[]> {
  const directory = await openDirectory(env);
  const active = eq(supportAgents.state, "active");
  const { agents, people } = await directory.read({
    agents: many(supportAgents, { where: active, limit: mostAgents }),
    people: many(users, {
      where: sql`${users.id} in (select ${supportAgents.userId} from ${supportAgents} where ${supportAgents.tenantId} = ${directory.tenantId} and ${active})`,
      limit: mostAgents,
    }),
  });
  return agents.map((agent) => ({
    agent,
    name: people.find(({ id }) => id === agent.userId)?.name ?? "",
  }));
}

export type RemoveOutcome = "removed" | "no-such-agent" | "some-go-on";

/**
 * Ends what an agent may do: no token is made for them from here on, and each of their sessions is ended in its cell.
 * `some-go-on`: where a cell is away its sessions end within five minutes, as their tokens do, and the sweeper says so.
 */
export async function removeAgent(env: Env, agentId: string, run: SystemRun): Promise<RemoveOutcome> {
  const directory = await openDirectory(env);
  const { agent } = await directory.read({ agent: one(supportAgents, agentId) });
  if (agent?.state !== "active") return "no-such-agent";
  await commitAsSystem(directory, run, [update(supportAgents, agent, { state: "removed" }, run.now)]);
  for (;;) {
    const { visits } = await directory.read({
      visits: visitsOn("support_visits_running", eq(supportVisits.agentId, agentId)),
    });
    if (visits.length === 0) return "removed";
    if (!(await endVisits(env, directory, visits, "operator", run))) return "some-go-on";
  }
}
