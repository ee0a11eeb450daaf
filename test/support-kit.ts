import type { MemberClaims } from "#crypto/access-token.ts";
import { insert } from "#db/changes.ts";
import { systemSession } from "#db/open-tenant.ts";
import { one } from "#db/queries.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import type { SupportRole } from "#gate/support-roles.ts";
import { supportSessions, visitingAgents } from "#gate/support-tables.ts";
import { addAgent } from "#identity/support/agents.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { dayMs, hourMs, timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { type Enrolled, enrolled, newUser, type TestUser } from "#test/identity/kit.ts";
import { memberToken, type TestTenant } from "#test/world.ts";

const { call } = clientOf();

/** What an owner says who lets support in for a day. */
export function grantTerms(terms: object = {}) {
  const expiresAt = timestamp(Date.now() + dayMs);
  return { reason: "Invoices of October come out twice.", expiresAt, ...terms };
}

/** A grant that the owner gave in person. */
export async function newGrant(tenant: TestTenant, terms: object = {}): Promise<string> {
  const as = await memberToken(tenant, "owner");
  const answer = await call("support-grants.create", { tenant: tenant.slug, as, body: grantTerms(terms) });
  if (answer.status !== 201) throw new Error(`No grant was given: ${answer.text}`);
  return answer.json.id;
}

/** The row of a session that somebody of support has running, though nobody of that id is known elsewhere. */
export async function newSession(tenant: TestTenant, grantId?: string): Promise<string> {
  const now = Date.now();
  const session = await systemSession(testEnv(), tenant.cell.database, tenant.tenantId);
  const id = newId("sps");
  // One for all of a tenant's: their name is sealed once.
  const agentId = `agt_${tenant.tenantId.slice(4)}`;
  const grant = grantId ?? (await newGrant(tenant));
  const { agent } = await session.read({ agent: one(visitingAgents, agentId) });
  const row = {
    id,
    grantId: grant,
    agentId,
    agentRole: "reader",
    memberId: tenant.memberIds.owner,
    reason: "To see the invoice that came twice.",
    ticket: "HELP-4711",
    expiresAt: timestamp(now + hourMs),
  };
  const made = agent ? [] : [insert(visitingAgents, { id: agentId, name: "Katherine Johnson" }, now)];
  const run = { job: "test.support", requestId: newId("run"), now };
  const { kind } = await commitAsSystem(session, run, [...made, insert(supportSessions, row, now)]);
  if (kind !== "committed") throw new Error("No session was begun.");
  return id;
}

export interface TestAgent extends Enrolled {
  readonly agentId: string;
}

/** Somebody of support, signed in with a second factor a moment ago. */
export async function newAgent(role: SupportRole = "helper"): Promise<TestAgent> {
  await ensureDirectoryKeys(testEnv(), Date.now());
  // As the privileged do: they choose a password that is strong.
  const user = await enrolled(await newUser("17 Purple otters hum beyond the harbour!"));
  const userId = (await call("me.get", { as: user.accessToken })).json.id;
  const run = { job: "test.agent", requestId: newId("run"), now: Date.now() };
  const { outcome, agentId = "" } = await addAgent(testEnv(), { userId, role }, run);
  if (outcome !== "added") throw new Error(`Nobody became an agent: ${outcome}`);
  return { ...user, agentId };
}

export function visitTerms(tenant: TestTenant, grantId: string, terms: object = {}) {
  const why = { reason: "To see the invoice that came twice.", ticket: "HELP-4711" };
  return { ...why, tenantId: tenant.tenantId, grantId, ...terms };
}

/** As the agent asks for it. */
export function askToVisit(agent: TestUser, tenant: TestTenant, grantId: string, terms: object = {}) {
  return call("support.begin", { as: agent.accessToken, body: visitTerms(tenant, grantId, terms) });
}

/** A session that has begun: its id, and what is sent in it. */
export async function visit(agent: TestUser, tenant: TestTenant, grantId: string, terms: object = {}) {
  const { status, text, json } = await askToVisit(agent, tenant, grantId, terms);
  if (status !== 201) throw new Error(`No session was begun: ${text}`);
  return { id: String(json.id), as: String(json.accessToken), expiresAt: String(json.expiresAt) };
}

/** What is sent in a session, made anew: as the token that the agent asks for, which lives five minutes. */
export async function tokenOf(tenant: TestTenant, { agentId }: TestAgent, id: string): Promise<string> {
  const ends = Math.floor(Date.now() / 1000) + 1800;
  const { owner } = tenant.memberIds;
  const claims = { member: undefined, sub: owner, act: { sub: agentId }, support: id, support_ends: ends };
  return await memberToken(tenant, "owner", asClaims({ ...claims, scope: "session" }));
}

// A support agent's token has other claims than the member's that it is made from here.
function asClaims(claims: object): Partial<MemberClaims> {
  return claims;
}
