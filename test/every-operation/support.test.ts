import { beforeAll, expect, test } from "vitest";
import { nameable } from "#gate/support-roles.ts";
import { timestamp } from "#lib/time.ts";
import { utf8 } from "#lib/utf8.ts";
import { type Canaries, found, newCanaries } from "#test/canaries.ts";
import { type Answer, type Call, clientOf } from "#test/client.ts";
import { exampleOf, tenantOperations } from "#test/examples.ts";
import { newAgent, newGrant, type TestAgent, tokenOf, visit } from "#test/support-kit.ts";
import { memberToken, newTenant, rowsOf, type TestTenant } from "#test/world.ts";
import { expectSuccess } from "./trial.ts";

// What an agent of support may do at a business, operation by operation.

const { call } = clientOf();

/** By hand: what every grant lets be done, though it shows no personal data. */
const everyGrant = [
  "api-calls.list",
  "api-calls.usage",
  "customers.get",
  "customers.list",
  "files.get",
  "files.list",
  "files.parts",
  "invitations.list",
  "invitations.get",
  "locations.get",
  "locations.list",
  "members.access",
  "members.get",
  "members.list",
  "orders.get",
  "orders.list",
  "principal.get",
  "roles.get",
  "roles.list",
  "settings.get",
  "tenants.get",
  "tenants.ping",
];
/** By hand: what beside it none but a grant does that shows personal data. */
const showing = ["customers.search", "files.download"];
/** By hand: what beside it none but a grant lets be done that names the capability for it. */
const naming = [
  "customers.create",
  "customers.remove",
  "customers.restore",
  "customers.update",
  "files.begin",
  "files.complete",
  "files.create",
  "files.remove",
  "files.restore",
  "files.revise",
  "files.update",
  "files.upload",
  "files.uploadPart",
  "locations.create",
  "locations.remove",
  "locations.update",
  "orders.cancel",
  "orders.create",
  "orders.finish",
  "orders.complete",
  "orders.place",
  "orders.start",
  "orders.update",
];
// Everything else is out of reach, whatever a grant says.

interface Visit {
  readonly grantId: string;
  readonly id: string;
}

let tenant: TestTenant & Canaries;
let agent: TestAgent;
let fileId: string;
const visits = { looking: none(), showing: none(), naming: none() };
const traces = { ip: "198.51.100.237", userAgent: "zqcanarybrowser/7", file: "zqcanaryfile" };
/** Whom the examples tell of. */
const inExamples = ["Alan Turing", "Grace Hopper", "@people.example"];

beforeAll(async () => {
  const canaries = newCanaries();
  const plan = "enterprise" as const;
  const made = await newTenant("signs", { plan, people: canaries.people, diet: canaries.diet });
  tenant = { ...made, ...canaries };
  agent = await newAgent();
  await begin("looking", {});
  await begin("showing", { showsPersonalData: true });
  await begin("naming", { capabilities: nameable, showsPersonalData: true });
  const [customerId] = tenant.customerIds;
  const headers = { "cf-connecting-ip": traces.ip, "user-agent": traces.userAgent };
  const as = { tenant: tenant.slug, as: tenant.key, headers };
  const body = { name: `${traces.file}.txt`, mediaType: "text/plain", customerId };
  fileId = (await call("files.create", { ...as, body })).json.id;
  await call("files.upload", { ...as, params: { fileId }, bytes: utf8("x") });
});

async function begin(which: keyof typeof visits, terms: object): Promise<void> {
  const grantId = await newGrant(tenant, terms);
  visits[which] = { grantId, id: (await visit(agent, tenant, grantId, { minutes: 60 })).id };
}

function none(): Visit {
  return { grantId: "", id: "" };
}

async function ask(which: keyof typeof visits, name: string, input?: Call): Promise<Answer> {
  const as = await tokenOf(tenant, agent, visits[which].id);
  const given = input ?? (await exampleOf(name).make(tenant));
  return await call(name, { tenant: tenant.slug, ...given, as });
}

test("every operation of the table is one", () => {
  const names = tenantOperations.map(({ name }) => name);
  expect([...everyGrant, ...showing, ...naming].filter((name) => !names.includes(name))).toEqual([]);
});

for (const { name, operation } of tenantOperations) {
  const isForAll = everyGrant.includes(name);

  test(`${name}: support ${isForAll ? "may by any grant" : showing.includes(name) ? "may by a grant that shows people" : naming.includes(name) ? "may by a grant that names it" : "may not, whatever is granted"}`, async () => {
    for (const [which, may] of [
      ["looking", isForAll],
      ["showing", isForAll || showing.includes(name)],
      ["naming", isForAll || showing.includes(name) || naming.includes(name)],
    ] as const) {
      const answer = await ask(which, name);
      expect(answer.headers.get("x-keyline-impersonation")).toContain(
        `session=${visits[which].id}, agent=${agent.agentId}, ends=`,
      );
      if (may) {
        expectSuccess(name, answer);
        continue;
      }
      const isMasked = which === "looking" && showing.includes(name);
      const problem = isMasked ? "personal-data-masked" : "forbidden";
      expect([which, answer.status, answer.json?.type]).toEqual([which, 403, `/problems/${problem}`]);
    }
  });

  if (operation.form === "read") continue;

  test(`${name}: whatever support writes, or is refused to write, is theirs and names the grant`, async () => {
    const answer = await ask("naming", name);
    const requestId = answer.headers.get("x-request-id");
    const written = await rowsOf<Record<string, string>>(
      tenant.cell.database,
      "select actor_kind, actor_id, support_grant_id, actor_chain from audit_log where tenant_id = ?1 and request_id = ?2 union all select actor_kind, actor_id, support_grant_id, actor_chain from events where tenant_id = ?1 and request_id = ?2",
      tenant.tenantId,
      requestId,
    );
    if (answer.status < 300) expect(written.length).toBeGreaterThan(0);
    for (const row of written) {
      expect(row).toMatchObject({
        actor_kind: "support-agent",
        actor_id: agent.agentId,
        support_grant_id: visits.naming.grantId,
      });
      expect(JSON.parse(row.actor_chain ?? "")[0]).toEqual({ kind: "member", id: tenant.memberIds.owner });
    }
  });
}

/** All that support is answered where it looks, of the canaries and of the examples. */
async function everything(which: "looking" | "showing"): Promise<string> {
  const texts: string[] = [];
  const take = async (name: string, input?: Call) => {
    const answer = await ask(which, name, input);
    texts.push(answer.text, JSON.stringify([...answer.headers]));
  };
  const paged = ["customers.list", "files.list", "members.list", "invitations.list"];
  for (const name of everyGrant) await take(name);
  for (const name of paged) await take(name, { query: { limit: "100" } });
  for (const customerId of tenant.customerIds) await take("customers.get", { params: { customerId } });
  for (const memberId of Object.values(tenant.memberIds)) await take("members.get", { params: { memberId } });
  return texts.join("\n");
}

/** What an agent without a grant that shows people must find nowhere: diets are out of reach in any case. */
function words(): string[] {
  const [allergens, needs] = [tenant.diet.allergens.map(String), tenant.diet.needs.split(" ")];
  const known = tenant.words.filter((word) => ![...allergens, ...needs].includes(word));
  return [...known, ...Object.values(traces), ...inExamples];
}

test("nothing of anybody is in what support reads, and all of it where the grant shows it", async () => {
  const [masked, shown] = [await everything("looking"), await everything("showing")];
  expect(found(words(), masked)).toEqual([]);
  // From where somebody called stands in the audit alone, which is out of reach.
  const elsewhere = [traces.ip, traces.userAgent];
  expect(found(words(), shown)).toEqual(words().filter((word) => !elsewhere.includes(word)));
});

test("what is masked is still of its form, and what is nobody's is as it is", async () => {
  const { json } = await ask("looking", "customers.get", {
    params: { customerId: tenant.customerIds[0] ?? "" },
  });
  expect(json).toMatchObject({
    id: tenant.customerIds[0],
    name: "•••",
    email: "masked@masked.invalid",
    phone: "•••",
    note: "•••",
    version: 1,
  });
});

test("no mask is written back, nor told to anybody: what support changes keeps all that it does not name", async () => {
  const grantId = await newGrant(tenant, { capabilities: ["customers:write"] });
  const { id } = await visit(agent, tenant, grantId);
  const as = await tokenOf(tenant, agent, id);
  const params = { customerId: tenant.customerIds[1] ?? "" };
  const headers = { "Idempotency-Key": "masked" };
  const given = { tenant: tenant.slug, as, params, body: { note: "Rings twice." } };
  const changed = await call("customers.update", given);
  expect(changed.json).toMatchObject({ name: "•••", note: "•••", version: 2 });
  const own = { tenant: tenant.slug, as: tenant.key, params };
  expect((await call("customers.get", own)).json).toMatchObject({
    name: tenant.people[1]?.name,
    email: tenant.people[1]?.email,
    note: "Rings twice.",
  });
  const twice = [1, 2].map(() =>
    call("customers.create", { tenant: tenant.slug, as, headers, body: { name: "Somebody New" } }),
  );
  for (const { status, text } of await Promise.all(twice))
    if (status === 201) expect(found(["Somebody New"], text)).toEqual([]);
});

test("each member is told who of support is here, and an agent of themselves alone", async () => {
  const { json } = await call("principal.get", {
    tenant: tenant.slug,
    as: await memberToken(tenant, "viewer"),
  });
  const here = json.supportSessions.find(({ id }: { id: string }) => id === visits.looking.id);
  expect(here).toMatchObject({
    agentId: agent.agentId,
    agentName: "Wilhelmina Quartermain",
    reason: "To see the invoice that came twice.",
    ticket: "HELP-4711",
  });
  expect(here.expiresAt > timestamp(Date.now())).toBe(true);
  const own = (await ask("looking", "principal.get")).json;
  expect(own.supportSessions.map(({ id }: { id: string }) => id)).toEqual([visits.looking.id]);
  const ofKey = (await call("principal.get", { tenant: tenant.slug, as: tenant.key })).json;
  expect(ofKey.supportSessions).toEqual([]);
});
