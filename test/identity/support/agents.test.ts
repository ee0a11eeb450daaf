import { beforeAll, expect, test } from "vitest";
import { insert } from "#db/changes.ts";
import { openDirectory } from "#db/directory.ts";
import { memberships, supportAgents } from "#db/directory-tables.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { addAgent, listAgents, removeAgent } from "#identity/support/agents.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { eraseAccounts } from "#jobs/erase-accounts.ts";
import { hourMs } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { exampleOf } from "#test/examples.ts";
import { join, newUser, type TestUser } from "#test/identity/kit.ts";
import { envWith, newTenant, overtaken, rowsOf } from "#test/world.ts";

const { call } = clientOf();
const run = () => ({ job: "test.agents", requestId: newId("run"), now: Date.now() });
const idOf = async (user: TestUser): Promise<string> =>
  (await call("me.get", { as: user.accessToken })).json.id;

beforeAll(() => ensureDirectoryKeys(testEnv(), Date.now()));

test("an account that is no member becomes an agent, once, and is none any more when removed", async () => {
  const userId = await idOf(await newUser());
  const add = (role = "reader") => addAgent(testEnv(), { userId, role }, run());
  expect((await add("owner")).outcome).toBe("no-such-role");
  const { outcome, agentId = "" } = await add();
  expect([outcome, agentId]).toEqual(["added", expect.stringMatching(/^agt_/)]);
  expect((await add("helper")).outcome).toBe("is-one-already");
  const listed = async () => (await listAgents(testEnv())).find(({ agent }) => agent.id === agentId);
  expect(await listed()).toMatchObject({ agent: { role: "reader", userId }, name: "Wilhelmina Quartermain" });
  expect(await removeAgent(testEnv(), agentId, run())).toBe("removed");
  expect(await removeAgent(testEnv(), agentId, run())).toBe("no-such-agent");
  expect(await listed()).toBeUndefined();
  expect((await add("helper")).outcome).toBe("added");
});

test("of two who would be the last that there may be, one is added", async () => {
  const { DIRECTORY } = testEnv();
  const users = await Promise.all([newUser(), newUser()].map(async (user) => await idOf(await user)));
  const left = 199 - (await listAgents(testEnv())).length;
  const many = "with recursive each(n) as (select 1 union all select n + 1 from each where n < ?1)";
  await rowsOf(
    DIRECTORY,
    `${many} insert into users (tenant_id, id, name, email, email_token, version, created_at, updated_at) select tenant_id, 'usr_many' || n, name, email, 'many:' || n, 1, created_at, updated_at from users, each where users.id = ?2`,
    left,
    users[0] ?? "",
  );
  await rowsOf(
    DIRECTORY,
    `${many} insert into support_agents (tenant_id, id, user_id, role, state, version, created_at, updated_at) select 'platform', 'agt_many' || n, 'usr_many' || n, 'reader', 'active', 1, '2026', '2026' from each`,
    left,
  );
  const outcomes = await Promise.all(
    users.map(async (userId) => (await addAgent(testEnv(), { userId, role: "reader" }, run())).outcome),
  );
  expect(outcomes.toSorted()).toEqual(["added", "too-many"]);
  await rowsOf(DIRECTORY, "update support_agents set state = 'removed' where id like 'agt_many%'");
});

test("an agent who closes their account is one no longer", async () => {
  const user = await newUser();
  const userId = await idOf(user);
  await addAgent(testEnv(), { userId, role: "reader" }, run());
  expect((await call("account.close", { as: user.accessToken })).status).toBe(204);
  await eraseAccounts(testEnv(), Date.now() + hourMs);
  expect((await listAgents(testEnv())).filter(({ agent }) => agent.userId === userId)).toEqual([]);
});

test("nobody is an agent who has no account, or who is a member of a business", async () => {
  const tenant = await newTenant();
  const user = await newUser();
  await join(user, tenant, "staff");
  const add = (userId: string) => addAgent(testEnv(), { userId, role: "reader" }, run());
  expect((await add(newId("usr"))).outcome).toBe("no-such-account");
  expect((await add(await idOf(user))).outcome).toBe("is-a-member");
});

test("an agent accepts no invitation, and neither looks at one", async () => {
  const tenant = await newTenant();
  for (const name of ["me.acceptInvitation", "me.lookAtInvitation"]) {
    const input = await exampleOf(name).make(tenant);
    const { json } = await call("me.get", { as: input.as ?? "" });
    expect((await addAgent(testEnv(), { userId: json.id, role: "reader" }, run())).outcome).toBe("added");
    const answer = await call(name, input);
    expect([answer.status, answer.json.type]).toEqual([403, "/problems/agent-is-no-member"]);
  }
});

test("whoever becomes an agent while they accept an invitation becomes no member", async () => {
  const tenant = await newTenant();
  const input = await exampleOf("me.acceptInvitation").make(tenant);
  const { json } = await call("me.get", { as: input.as ?? "" });
  const { database, done } = overtaken(testEnv().DIRECTORY, 'insert into "commits"', async () => {
    const { outcome } = await addAgent(testEnv(), { userId: json.id, role: "reader" }, run());
    expect(outcome).toBe("added");
  });
  const answer = await call("me.acceptInvitation", { ...input, env: envWith({ DIRECTORY: database }) });
  expect([answer.status, answer.json.type, done()]).toEqual([403, "/problems/agent-is-no-member", true]);
});

test("the directory takes no membership of an agent and no agent who has one, whatever writes it", async () => {
  const tenant = await newTenant();
  const directory = await openDirectory(testEnv());
  const now = Date.now();
  const agents = (userId: string) =>
    insert(supportAgents, { id: newId("agt"), userId, role: "reader", state: "active" }, now);
  const member = await newUser();
  await join(member, tenant, "staff");
  const asAgent = commitAsSystem(directory, run(), [agents(await idOf(member))]);
  await expect(asAgent).rejects.toThrow("agent-is-member");
  const userId = await idOf(await newUser());
  expect((await commitAsSystem(directory, run(), [agents(userId)])).kind).toBe("committed");
  const pointer = { id: newId("mem"), userId, memberTenantId: tenant.tenantId };
  const asMember = commitAsSystem(directory, run(), [insert(memberships, pointer, now)]);
  await expect(asMember).rejects.toThrow("user-is-agent");
});
