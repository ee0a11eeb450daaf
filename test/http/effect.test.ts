import { eq } from "drizzle-orm";
import { afterEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { emit, insert, mustExist, note } from "#db/changes.ts";
import { effectOperation } from "#http/operation.ts";
import { commit, refuse } from "#http/outcome.ts";
import type { Registry } from "#http/registry.ts";
import { sweepIntents } from "#jobs/sweep-intents.ts";
import { dayMs, minuteMs } from "#lib/time.ts";
import { typeId } from "#lib/typeid.ts";
import { cellOf, type Files } from "#platform/cells.ts";
import { newId } from "#platform/ids.ts";
import { customers } from "#resources/customers/table.ts";
import { registry } from "#resources/index.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { envWith, newTenant, proxied, rowsOf, type Tap, type TestTenant, tapped } from "#test/world.ts";

// Stores a drawing in R2, create-only, and adds the customer it is for. Mounted by this file alone.
const resumeAfterSeconds = 120;
const Drawing = z.object({ id: z.string(), name: z.string(), object: z.string(), version: z.int() });
const Intent = z.object({ id: z.string(), object: z.string(), text: z.string() });
const declared = {
  mount: "tenant",
  method: "post",
  summary: "Store a drawing",
  can: "files:write",
  store: "cell",
  body: z.strictObject({ text: z.string(), customerId: typeId("cus").optional() }),
  returns: Drawing,
  status: 201,
  intent: Intent,
  // "internal" because these tests kill the Worker under it.
  problems: ["invalid", "customer-deleted", "conflict", "internal"],
  resumeAfterSeconds,
} as const;

function drawing(path: string) {
  return effectOperation({
    ...declared,
    path,
    async intend({ principal, newId }, { body }) {
      const id = newId("cus");
      const object = `${principal.tenantId}/drawings/${id}`;
      const { customerId } = body;
      return commit(
        { id, object, text: body.text },
        ...(customerId
          ? [
              mustExist(customers, eq(customers.id, customerId), {
                problem: "invalid",
                pointer: "/customerId",
              }),
            ]
          : []),
        note("drawing", id, { begun: true }),
      );
    },
    async perform({ files }, { object, text }) {
      await files.put(object, text, { onlyIf: { etagDoesNotMatch: "*" } });
      return text.length;
    },
    async settle({ now }, { id, object }, size) {
      if (size === 0) return refuse("customer-deleted", note("drawing", id, { empty: true }));
      const made = insert(customers, { id, name: "Walk-in customer" }, now);
      return commit(
        { ...made.row, object },
        made,
        emit("customer.created", { customerId: id, size }, { table: customers, row: made.row }),
      );
    },
  });
}

const store = drawing("/drawings");
const stage = {
  ...drawing("/staged-drawings"),
  abandon: ({ files }: { files: Files }, { object }: z.output<typeof Intent>) => files.delete(object),
};
const operations = { ...registry, drawings: { store, stage } } satisfies Registry;
const { call } = clientOf(operations);

afterEach(() => void vi.useRealTimers());

test("an effect is intended, performed and settled once, and replays its answer", async () => {
  const tenant = await newTenant();
  const first = await draw(tenant);
  expect([first.status, first.json.name, isReplay(first)]).toEqual([201, "Walk-in customer", false]);
  const again = await draw(tenant, { text: "first" }, envWith({ FILES_US1: unreachable }));
  expect([again.status, again.text, isReplay(again)]).toEqual([201, first.text, true]);
  await expectDoneOnce(tenant, first);
});

test("the record of an effect whose answer tells of a person is sealed", async () => {
  const tenant = await newTenant();
  await draw(tenant);
  const [record] = await rowsOf(
    tenant.cell.database,
    "select * from idempotency where tenant_id = ?",
    tenant.tenantId,
  );
  expect(record).toMatchObject({ operation: "drawings.store", status: 201 });
  expect(record?.answer).toMatch(/^v1\./);
  expect(JSON.stringify(record)).not.toContain("Walk-in");
});

test("an effect without a key leaves no record and happens as often as it is asked for", async () => {
  const tenant = await newTenant();
  const answers = await Promise.all([draw(tenant, { key: undefined }), draw(tenant, { key: undefined })]);
  expect(answers.map(({ status }) => status)).toEqual([201, 201]);
  expect(await objectsOf(tenant)).toHaveLength(2);
  expect(await stateOf(tenant)).toMatchObject({ intents: ["settled", "settled"], records: [] });
});

test("killed before the intent is committed, nothing has happened and the key is unused", async () => {
  const tenant = await newTenant();
  const killed = await draw(tenant, {}, killing({ before: isIntend }));
  expect(killed.status).toBe(500);
  expect(await stateOf(tenant)).toEqual({ intents: [], records: [], drawn: 0, events: 0, notes: 0 });
  expect(await objectsOf(tenant)).toEqual([]);
  const anew = await draw(tenant);
  expect(isReplay(anew)).toBe(false);
  await expectDoneOnce(tenant, anew);
});

const kills: [when: string, env: () => TestEnv, status: number][] = [
  ["after the intent was committed", () => killing({ after: isIntend }), 500],
  ["before the object was written", () => envWith({ FILES_US1: failingPut("before") }), 502],
  ["after the object was written", () => envWith({ FILES_US1: failingPut("after") }), 502],
  ["before the settlement was committed", () => killing({ before: isSettle }), 500],
];

for (const [when, env, status] of kills) {
  test(`killed ${when}, the sweeper ends it right, once`, async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const tenant = await newTenant();
    const killed = await draw(tenant, {}, env());
    expect(killed.status).toBe(status);
    const written = await objectsOf(tenant);
    await sweep();
    const early = await draw(tenant);
    expect([early.status, early.json.type]).toEqual([409, "/problems/in-progress"]);
    expect(Number(early.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await stateOf(tenant)).toMatchObject({ intents: ["intended"], drawn: 0, events: 0 });

    vi.setSystemTime(Date.now() + resumeAfterSeconds * 1000);
    await sweep();
    const replayed = await draw(tenant);
    expect(isReplay(replayed)).toBe(true);
    await expectDoneOnce(tenant, replayed);
    // What was written before is left as it was: performing twice is harmless.
    for (const object of written) expect(await objectsOf(tenant)).toEqual([object]);

    vi.setSystemTime(Date.now() + dayMs / 2);
    await sweep();
    await expectDoneOnce(tenant, replayed);
  });
}

test("killed after the settlement was committed, the retry is answered and the sweeper finds nothing to do", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  expect((await draw(tenant, {}, killing({ after: isSettle }))).status).toBe(500);
  const retried = await draw(tenant, {}, envWith({ FILES_US1: unreachable }));
  expect([retried.status, isReplay(retried)]).toEqual([201, true]);
  vi.setSystemTime(Date.now() + resumeAfterSeconds * 1000);
  await sweep(envWith({ FILES_US1: unreachable }));
  await expectDoneOnce(tenant, retried);
});

test("a connection lost around either commit is bridged and the effect happens once", async () => {
  for (const at of [isIntend, isSettle]) {
    for (const kill of [{ before: at }, { after: at }]) {
      const tenant = await newTenant();
      const answer = await draw(tenant, {}, killing(kill, "D1_ERROR: Network connection lost."));
      expect(isReplay(answer)).toBe(false);
      await expectDoneOnce(tenant, answer);
    }
  }
});

test("what is declared to be abandoned is undone, and its key begins anew", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const killed = await staged(tenant, envWith({ FILES_US1: failingPut("after") }));
  expect([killed.status, (await objectsOf(tenant)).length]).toEqual([502, 1]);
  vi.setSystemTime(Date.now() + resumeAfterSeconds * 1000);
  await sweep();
  expect(await objectsOf(tenant)).toEqual([]);
  expect(await stateOf(tenant)).toEqual({
    intents: ["abandoned"],
    records: [],
    drawn: 0,
    events: 0,
    notes: 1,
  });
  const anew = await staged(tenant);
  expect([anew.status, isReplay(anew)]).toEqual([201, false]);
  expect(await objectsOf(tenant)).toHaveLength(1);
  expect(await stateOf(tenant)).toMatchObject({ intents: ["abandoned", "settled"], drawn: 1, events: 1 });
});

test("an abandonment killed half-way is taken up again", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  await staged(tenant, envWith({ FILES_US1: failingPut("after") }));
  vi.setSystemTime(Date.now() + resumeAfterSeconds * 1000);
  await sweep(killing({ before: isSettle }));
  expect(await stateOf(tenant)).toMatchObject({ intents: ["intended"] });
  vi.setSystemTime(Date.now() + minuteMs);
  await sweep();
  expect(await objectsOf(tenant)).toEqual([]);
  expect(await stateOf(tenant)).toMatchObject({ intents: ["abandoned"], records: [], drawn: 0 });
});

test("while an effect is under way its key is answered 409, and afterwards by its answer", async () => {
  const tenant = await newTenant();
  const held = holdingPut();
  const under = draw(tenant, {}, envWith({ FILES_US1: held.files }));
  await held.reached;
  const meanwhile = await Promise.all([draw(tenant), draw(tenant)]);
  expect(meanwhile.map(({ status, json }) => [status, json.type])).toEqual(
    Array(2).fill([409, "/problems/in-progress"]),
  );
  const other = await draw(tenant, { text: "another body" });
  expect([other.status, other.json.type]).toEqual([422, "/problems/idempotency-key-reused"]);
  held.release();
  const first = await under;
  expect((await draw(tenant)).text).toBe(first.text);
  await expectDoneOnce(tenant, first);
});

test("of 20 at once with one key one performs", async () => {
  const tenant = await newTenant();
  const counted = countingPut();
  const env = envWith({ FILES_US1: counted.files });
  const answers = await Promise.all(Array.from({ length: 20 }, () => draw(tenant, {}, env)));
  const good = answers.filter(({ status }) => status === 201);
  expect(answers.filter(({ json }) => json.type === "/problems/in-progress").length + good.length).toBe(20);
  expect(new Set(good.map(({ text }) => text)).size).toBe(1);
  expect(good.filter((answer) => !isReplay(answer))).toHaveLength(1);
  expect(counted.puts()).toBe(1);
  await expectDoneOnce(tenant, good[0]);
});

test("of five sweepers at once one resumes", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  await draw(tenant, {}, killing({ after: isIntend }));
  vi.setSystemTime(Date.now() + resumeAfterSeconds * 1000);
  const counted = countingPut();
  await Promise.all(Array.from({ length: 5 }, () => sweep(envWith({ FILES_US1: counted.files }))));
  expect(counted.puts()).toBe(1);
  await expectDoneOnce(tenant, await draw(tenant));
});

test("a settlement that refuses abandons the effect, records why and frees the key", async () => {
  const tenant = await newTenant();
  const refused = await draw(tenant, { text: "" });
  expect([refused.status, refused.json.type]).toEqual([409, "/problems/customer-deleted"]);
  expect(await stateOf(tenant)).toEqual({
    intents: ["abandoned"],
    records: [],
    drawn: 0,
    events: 0,
    notes: 2,
  });
  const anew = await draw(tenant, { text: "better" });
  expect([anew.status, isReplay(anew)]).toEqual([201, false]);
});

test("a settlement that refuses in the sweeper abandons the effect too", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  await draw(tenant, { text: "" }, killing({ after: isIntend }));
  vi.setSystemTime(Date.now() + resumeAfterSeconds * 1000);
  await sweep();
  expect(await stateOf(tenant)).toMatchObject({ intents: ["abandoned"], records: [], drawn: 0, events: 0 });
});

test("an intent whose guard fails is never performed", async () => {
  const tenant = await newTenant();
  const env = envWith({ FILES_US1: unreachable });
  const refused = await draw(tenant, { customerId: newId("cus") }, env);
  expect([refused.status, refused.json.errors[0].pointer]).toEqual([422, "/customerId"]);
  expect(await stateOf(tenant)).toEqual({ intents: [], records: [], drawn: 0, events: 0, notes: 0 });
});

test("a request that outlives the sweeper's patience answers what the sweeper settled", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const held = holdingPut();
  const slow = draw(tenant, {}, envWith({ FILES_US1: held.files }));
  await held.reached;
  vi.setSystemTime(Date.now() + resumeAfterSeconds * 1000);
  await sweep();
  const settled = await draw(tenant);
  held.release();
  const late = await slow;
  expect([late.status, late.text]).toEqual([201, settled.text]);
  await expectDoneOnce(tenant, late);
});

test("a request whose effect the sweeper undid does not claim that it happened", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const held = holdingPut("after");
  const slow = staged(tenant, envWith({ FILES_US1: held.files }));
  await held.reached;
  vi.setSystemTime(Date.now() + resumeAfterSeconds * 1000);
  await sweep();
  held.release();
  const late = await slow;
  expect([late.status, late.json.type]).toEqual([409, "/problems/conflict"]);
  expect(await objectsOf(tenant)).toEqual([]);
  expect(await stateOf(tenant)).toMatchObject({ intents: ["abandoned"], records: [], drawn: 0, events: 0 });
});

test("a key that expired and began another effect keeps that one's answer when the first settles at last", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  await draw(tenant, {}, envWith({ FILES_US1: failingPut("before") }));
  vi.setSystemTime(Date.now() + dayMs);
  const second = await draw(tenant, { text: "second" });
  expect([second.status, isReplay(second)]).toEqual([201, false]);
  await sweep();
  expect(await stateOf(tenant)).toMatchObject({ intents: ["settled", "settled"], drawn: 2, events: 2 });
  const replayed = await draw(tenant, { text: "second" });
  expect([replayed.text, isReplay(replayed)]).toEqual([second.text, true]);
});

test("an effect whose vendor stays down is tried again ever more rarely", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const down = envWith({ FILES_US1: unreachable });
  await draw(tenant, {}, down);
  const waits: number[] = [];
  for (const wait of [resumeAfterSeconds / 60, 1, 6, 11]) {
    vi.setSystemTime(Date.now() + wait * minuteMs);
    await Promise.all([sweep(down), sweep(down)]);
    const [intent] = await rowsOf<{ due_at: string; attempts: number }>(
      tenant.cell.database,
      "select due_at, attempts from intents where tenant_id = ?",
      tenant.tenantId,
    );
    expect(intent?.attempts).toBe(waits.length + 1);
    waits.push((Date.parse(intent?.due_at ?? "") - Date.now()) / minuteMs);
  }
  expect(waits).toEqual([1, 6, 11, 16]);
  vi.setSystemTime(Date.now() + 16 * minuteMs);
  await sweep();
  await expectDoneOnce(tenant, await draw(tenant));
});

test("an intent that cannot be taken up holds up no other tenant's", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const [broken, unknown, fine] = [await newTenant(), await newTenant(), await newTenant()];
  for (const tenant of [broken, unknown, fine]) await draw(tenant, {}, killing({ after: isIntend }));
  const { database } = fine.cell;
  await database.batch([
    database.prepare("delete from tenant_keys where tenant_id = ?").bind(broken.tenantId),
    database.prepare("update intents set operation = 'gone.away' where tenant_id = ?").bind(unknown.tenantId),
  ]);
  vi.setSystemTime(Date.now() + resumeAfterSeconds * 1000);
  await sweep();
  await expectDoneOnce(fine, await draw(fine));
  expect((await stateOf(broken)).intents).toEqual(["intended"]);
  expect((await stateOf(unknown)).intents).toEqual(["intended"]);
});

test("a key revoked while its effect was performed does not keep it from being settled", async () => {
  const tenant = await newTenant();
  const created = await call("api-keys.create", {
    ...as(tenant),
    body: { name: "Short-lived", scopes: ["files:write"] },
  });
  const held = holdingPut();
  const under = draw(tenant, { as: created.json.key }, envWith({ FILES_US1: held.files }));
  await held.reached;
  const revoked = await call("api-keys.revoke", { ...as(tenant), params: { apiKeyId: created.json.id } });
  expect(revoked.status).toBe(200);
  held.release();
  const answer = await under;
  await expectDoneOnce(tenant, answer, created.json.id);
  expect((await draw(tenant, { as: created.json.key })).status).toBe(401);
});

test("a tenant being closed has nothing settled any more", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  await draw(tenant, {}, killing({ after: isIntend }));
  await tenant.cell.database
    .prepare("update tenant_state set state = 'closing', epoch = epoch + 1 where tenant_id = ?")
    .bind(tenant.tenantId)
    .run();
  vi.setSystemTime(Date.now() + resumeAfterSeconds * 1000);
  await sweep();
  expect(await stateOf(tenant)).toMatchObject({ intents: ["intended"], drawn: 0, events: 0 });
});

interface Draw {
  readonly key?: string | undefined;
  readonly text?: string;
  readonly customerId?: string;
  readonly as?: string;
}

function draw(tenant: TestTenant, given: Draw = {}, env: TestEnv = testEnv()): Promise<Answer> {
  const { key, text = "first", customerId, as = tenant.key } = { key: "k", ...given };
  return call("drawings.store", {
    tenant: tenant.slug,
    as,
    body: { text, customerId },
    headers: key === undefined ? {} : { "Idempotency-Key": key },
    env,
  });
}

function staged(tenant: TestTenant, env: TestEnv = testEnv()): Promise<Answer> {
  return call("drawings.stage", {
    ...as(tenant),
    body: { text: "first" },
    headers: { "Idempotency-Key": "k" },
    env,
  });
}

function as({ slug, key }: TestTenant) {
  return { tenant: slug, as: key };
}

function isReplay({ headers }: Answer): boolean {
  return headers.get("idempotency-replayed") === "true";
}

async function sweep(env: TestEnv = testEnv()): Promise<void> {
  const cell = cellOf(env, "us1");
  if (!cell) throw new Error("There is no cell us1.");
  await sweepIntents(env, cell, operations, Date.now());
}

/** Exactly one of everything, and the answer tells of it. */
async function expectDoneOnce(tenant: TestTenant, answer: Answer | undefined, byKey = tenant.keyId) {
  expect(answer?.status).toBe(201);
  const { id, object } = answer?.json ?? {};
  expect(object).toBe(`${tenant.tenantId}/drawings/${id}`);
  expect((await objectsOf(tenant)).map(({ key }) => key)).toEqual([object]);
  expect(await (await filesOf().get(object))?.text()).toBe("first");
  expect(await stateOf(tenant)).toEqual({
    intents: ["settled"],
    records: [[byKey, 201]],
    drawn: 1,
    events: 1,
    notes: 1,
  });
}

async function stateOf({ cell, tenantId }: TestTenant) {
  const ask = (text: string) => rowsOf<Record<string, unknown>>(cell.database, text, tenantId);
  const [intents, records, drawn, events, notes] = await Promise.all([
    ask("select state from intents where tenant_id = ? order by created_at, id"),
    ask("select principal_id, status from idempotency where tenant_id = ?"),
    ask(
      "select 1 from customers join audit_log on entity_id = customers.id and operation like 'drawings.%' and audit_log.tenant_id = customers.tenant_id and action = 'created' where customers.tenant_id = ?",
    ),
    ask("select 1 from events where tenant_id = ? and type = 'customer.created'"),
    ask("select 1 from audit_log where tenant_id = ? and action = 'note'"),
  ]);
  return {
    intents: intents.map(({ state }) => state),
    records: records.map(({ principal_id: id, status }) => [id, status]),
    drawn: drawn.length,
    events: events.length,
    notes: notes.length,
  };
}

/** Without that of the tenant's seed. */
async function objectsOf({ tenantId, fileId }: TestTenant) {
  const { objects } = await filesOf().list({ prefix: tenantId });
  return objects
    .filter(({ key }) => !key.includes(fileId))
    .map(({ key, etag, version }) => ({ key, etag, version }));
}

function filesOf(): Files {
  return testEnv().FILES_US1 as Files;
}

const isIntend = (text: string) => text.startsWith('insert into "intents"');
const isSettle = (text: string) => text.startsWith('update "intents" set "state"');

/** The Worker dies, once, right before or right after the batch that has this statement was committed. */
function killing(
  { before, after }: { before?: typeof isIntend; after?: typeof isIntend },
  message = "killed",
): TestEnv {
  let alive = true;
  const tap: Tap = async (texts, run) => {
    const at = before ?? after;
    if (!alive || !at || !texts.some(at)) return await run();
    alive = false;
    if (after) await run();
    throw new Error(message);
  };
  return envWith({ CELL_US1: tapped(testEnv().CELL_US1 as D1Database, tap) });
}

const unreachable = proxied(filesOf(), { put: () => Promise.reject(new Error("R2 is down")) });

function failingPut(when: "before" | "after"): Files {
  const put = async (key: string, text: string, options: R2PutOptions) => {
    if (when === "after") await filesOf().put(key, text, options);
    throw new Error("killed");
  };
  return proxied(filesOf(), { put });
}

function countingPut(): { files: Files; puts: () => number } {
  let puts = 0;
  const put = (key: string, text: string, options: R2PutOptions) => {
    puts += 1;
    return filesOf().put(key, text, options);
  };
  return { files: proxied(filesOf(), { put }), puts: () => puts };
}

/** A put that says when it was reached and goes on, or answers, when it is let go. */
function holdingPut(when: "before" | "after" = "before") {
  const [reached, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const put = async (key: string, text: string, options: R2PutOptions) => {
    const write = () => filesOf().put(key, text, options);
    const early = when === "after" ? await write() : null;
    reached.resolve();
    await held.promise;
    return early ?? (await write());
  };
  return { files: proxied(filesOf(), { put }), reached: reached.promise, release: () => held.resolve() };
}
