import { beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { destroySubject } from "#db/destroy-subject.ts";
import { platformTenant } from "#db/directory-tables.ts";
import { rotateTenantKey } from "#db/tenant-keys.ts";
import { archiveCalls } from "#jobs/archive-calls.ts";
import { copyPlatformLog } from "#jobs/audit-sinks/sweep-sinks.ts";
import { logAudit, logPlatformAudit } from "#jobs/log-audit.ts";
import { runScheduled } from "#jobs/scheduled.ts";
import { CallMessage } from "#lib/call-record.ts";
import { dayMs, hourMs, timestamp } from "#lib/time.ts";
import { utf8 } from "#lib/utf8.ts";
import { auditSinks, sinkKeys } from "#platform/audit-sinks.ts";
import { cellsOf } from "#platform/cells.ts";
import { newId } from "#platform/ids.ts";
import { putLocked } from "#platform/object-lock-store.ts";
import { registry } from "#resources/index.ts";
import { newOperatorNotice } from "#test/alert-examples.ts";
import { deliver, envOf, newSink, publish, publishPlatforms, type TestSink } from "#test/audit-sinks.ts";
import { consumed } from "#test/call-log.ts";
import { type Canaries, found, newCanaries } from "#test/canaries.ts";
import { type Call, clientOf } from "#test/client.ts";
import { counted } from "#test/counted.ts";
import { testEnv } from "#test/env.ts";
import { exampleOf, operations, tenantOperations } from "#test/examples.ts";
import { newSubject, signInAt } from "#test/identity/federation/kit.ts";
import { newEmail, somebody } from "#test/identity/kit.ts";
import { newMail, resetMail } from "#test/mail/kit.ts";
import { newTenant, rowsOf, type TestTenant } from "#test/world.ts";
import { tablesOf } from "#test/written.ts";
import { memberOf, wholeOf } from "./trial.ts";

const { call } = clientOf();
const { env, counts } = counted();

/** Everything that was printed, and answered to the tenant that asks. */
const printed: string[] = [];
const answeredToUs: string[] = [];
const personal = { userAgent: "zqcanarybrowser/7", ip: "198.51.100.237", key: "zqcanarykeyname" };

const NotedBatch = z.array(z.object({ body: CallMessage }));

let us: TestTenant & Canaries;
/** One in our cell, one in the other. */
let neighbours: readonly (TestTenant & Canaries)[];
let everyWord: string[];
let sink: TestSink;
let sinkEnv: ReturnType<typeof envOf>;

beforeAll(async () => {
  for (const level of ["log", "info", "warn", "error", "debug"] as const)
    vi.spyOn(console, level).mockImplementation((...line) => void printed.push(line.map(String).join(" ")));
  us = await newCanaryTenant("signs");
  neighbours = [await newCanaryTenant("signs"), await newCanaryTenant("cafe")];
  everyWord = [us, ...neighbours].flatMap(({ words, slug }) => [...words, ...staffOf(slug)]);
  everyWord.push(...Object.values(personal), ...somebody);
  for (const tenant of [us, ...neighbours]) await live(tenant);
  for (const neighbour of neighbours) await pry(neighbour);
  await logWhatWasNoted();
  await mailTo(us.people);
  await newOperatorNotice();
  // Whose address the issuer does not speak for, and who has yet to type the code.
  await signInAt("work", { claims: { sub: newSubject(), email: newEmail() } });
  for (const { cell, tenantId, customerIds } of [us, ...neighbours])
    await rotateAndErase(cell.database, tenantId, customerIds[0] ?? "");
  await rotateAndErase(testEnv().DIRECTORY, platformTenant, newId("usr"));
  await runScheduled(env, registry, Date.now() + 120_000);
  for (const cell of cellsOf(env)) await archiveCalls(cell, Date.now() + 2 * hourMs);
  sink = await newSink({ owners: ["us1", "eu1", "platform"] });
  sinkEnv = envOf([sink]);
  for (const tenant of [us, ...neighbours]) {
    while (await logAudit(env, tenant.cell, tenant.tenantId));
    await publish(tenant, sinkEnv.env);
  }
  await deliver(sinkEnv.env, sinkEnv.woken);
  await logPlatformAudit(env);
  await publishPlatforms(sinkEnv.env);
  await copyPlatformLog(sinkEnv.env, Date.now());
});

/** A mail on its way to one of them, and the other's address as one that bounced. */
async function mailTo([one, other]: Canaries["people"]): Promise<void> {
  await newMail(resetMail(one?.email ?? ""));
  const { headers = {} } = await exampleOf("mail.postmark").make(us);
  const body = { RecordType: "Bounce", Type: "HardBounce", Email: other?.email };
  expect((await call("mail.postmark", { headers, body, env })).status).toBe(204);
}

/** What the vault keeps of its work lies beside everything else. */
async function rotateAndErase(database: D1Database, tenantId: string, subjectId: string): Promise<void> {
  const now = Date.now();
  const run = { job: "test.vault", requestId: newId("run"), now };
  await rotateTenantKey(env, database, tenantId, run);
  expect(await destroySubject(database, { tenantId, subjectId, destroyedAt: timestamp(now) }, run)).toBe(
    "destroyed",
  );
}

/** What is to be searched, by the kind of place where it lies: a table of a database, a queue, a bucket. */
type Seen = Readonly<Record<string, readonly unknown[]>>;

/** Where personal data must not be, how to see it there, and how it would come there. */
const places: Readonly<
  Record<string, { look: () => Promise<Seen> | Seen; plant: (word: string) => unknown; mayBeEmpty?: RegExp }>
> = {
  "a line of the log": {
    look: () => ({ printed }),
    plant: (word) => console.info(JSON.stringify({ to: word })),
  },
  "a row of any table, events and audit among them": {
    look: everyRow,
    plant: (word) =>
      rowsOf(
        us.cell.database,
        "insert into events (tenant_id, seq, id, type, data, actor_kind, actor_id, request_id, created_at) select ?1, max(seq) + 1, 'evt_' || max(seq), 'x', ?2, 'system', 'system', 'x', 'x' from events where tenant_id = ?1",
        us.tenantId,
        JSON.stringify({ email: word }),
      ),
    // What no request leaves rows in, as nothing is delivered, purged or counted by a gate here.
    mayBeEmpty:
      / (webhook_attempts|commit_guard|purge_permits|gate_counts|ended_sessions|member_factors|last_uses)$|^directory (intents|idempotency|sign_in_challenges)$/,
  },
  "a message of a queue, calls on their way among them": {
    look: () => ({ events: counts.sent, calls: counts.noted, webhooks: counts.woken }),
    plant: (word) => Promise.all(queuesOf(us.cell.id).map((queue) => queue.send({ v: 1, note: word }))),
  },
  "the name of an object": {
    look: () => ({ gates: counts.objects, trees: counts.trees }),
    plant: (word) => env.GATES.getByName(word),
  },
  "a file of an audit's log": {
    look: everyLogFile,
    plant: (word) => us.cell.auditLog.put(`${us.tenantId}/planted`, JSON.stringify({ row: word })),
  },
  "a copy of an audit's log": {
    look: everyCopy,
    plant: (word) => {
      const [first] = auditSinks(sinkEnv.env);
      const put = first && putLocked(first, sinkKeys(sinkEnv.env, first), newId("x"), utf8(word));
      return Promise.resolve(put);
    },
  },
  "an archived call": {
    look: everyArchivedCall,
    plant: (word) => us.cell.callArchive.put(`${us.tenantId}/planted`, JSON.stringify({ route: word })),
  },
  "the key of a file": {
    look: async () => ({ asked: counts.files, ...(await everyFile()) }),
    plant: (word) => us.cell.files.put(`${us.tenantId}/${encodeURIComponent(word)}`, "x"),
  },
};

for (const [place, { look, plant, mayBeEmpty }] of Object.entries(places)) {
  test(`nobody's personal data is in ${place}, and a planted word is found there`, async () => {
    const words = [us.words[0], us.words[1], neighbours[0]?.words[2]].map(String);
    const seen = await look();
    // In a copy first, of each kind: that nothing is found means nothing where nothing could be.
    for (const [kind, things] of Object.entries(seen)) {
      if (!mayBeEmpty?.test(kind)) expect(things.length, kind).toBeGreaterThan(0);
      for (const word of words) expect(foundIn([...things, planted(things, word)]), kind).toContain(word);
    }
    for (const [kind, things] of Object.entries(seen)) expect(foundIn(things), kind).toEqual([]);
    for (const word of words) {
      await plant(word);
      expect(foundIn(Object.values(await look()))).toContain(word);
    }
  });
}

test("no answer to us holds anything of our neighbours, and each of our own words is found in one", () => {
  const text = answeredToUs.join("\n");
  expect(answeredToUs.length).toBeGreaterThan(operations.length * 3);
  expect(found(us.words, text)).toEqual(us.words);
  expect(found(Object.values(personal), text)).toEqual(Object.values(personal));
  for (const { words, tenantId, memberIds, orderId, keyId } of neighbours)
    expect(found([...words, tenantId, ...Object.values(memberIds), orderId, keyId], text)).toEqual([]);
});

test("no cursor, which will stand in a URL, holds personal data", async () => {
  const cursors: string[] = [];
  for (const { name, operation } of tenantOperations) {
    if (!/list$/.test(name) || !operation.query) continue;
    const { json } = await ask(us, name, { query: { limit: "1" } });
    cursors.push(json.nextCursor ?? "");
  }
  for (const search of [{ name: "zq" }, { email: us.people[0]?.email }])
    cursors.push(
      (await ask(us, "customers.search", { body: { ...search, limit: 1 } })).json.nextCursor ?? "",
    );
  expect(cursors.filter((cursor) => cursor !== "").length).toBeGreaterThan(3);
  expect(found(us.words, cursors.join("\n"))).toEqual([]);
  expect(found(us.words, btoa(JSON.stringify({ after: us.words[1] })))).toContain(us.words[1]);
});

async function newCanaryTenant(kind: "cafe" | "signs"): Promise<TestTenant & Canaries> {
  const canaries = newCanaries();
  const tenant = await newTenant(kind, { plan: "enterprise", people: canaries.people, diet: canaries.diet });
  return { ...tenant, ...canaries };
}

/** The addresses that the seed gives a tenant's members; they lie in the directory. */
function staffOf(slug: string): string[] {
  return ["owner", "installer"].map((role) => `${role}@${slug}.example`);
}

/** What a tenant does with its own people, valid and not, as whoever could be traced by it. */
async function live(tenant: TestTenant & Canaries): Promise<void> {
  const [person] = tenant.people;
  if (!person) throw new Error("A tenant needs people.");
  const again = { "Idempotency-Key": `create ${person.email}`.replaceAll(" ", "-") };
  const { json } = await ask(tenant, "customers.create", { body: person, headers: again });
  await ask(tenant, "customers.create", { body: person, headers: again });
  await ask(tenant, "customers.create", { body: { ...person, note: "other" }, headers: again });
  const params = { customerId: json.id };
  await ask(tenant, "customers.update", { params, body: { note: person.note, name: person.name } });
  await ask(tenant, "customers.update", { params, body: { email: `not an address: ${person.email}` } });
  await ask(tenant, "customers.update", { params, body: { [person.email]: 1 } });
  await ask(tenant, "customers.list", { query: { cursor: person.email } });
  await ask(tenant, "customers.list", {});
  await ask(tenant, "customers.get", { params: { customerId: person.email } });
  for (const [field, value] of Object.entries(person))
    if (field !== "note") await ask(tenant, "customers.search", { body: { [field]: value } });
  await ask(tenant, "customer-dietary.update", { params, body: tenant.diet });
  await ask(tenant, "customer-dietary.update", { params, body: { [tenant.diet.needs]: tenant.diet.needs } });
  await ask(tenant, "customer-dietary.reveal", { params, body: {}, headers: again });
  await ask(tenant, "customer-dietary.reveal", { params, body: {}, headers: again });
  await ask(tenant, "customer-dietary.reveal", { params, body: { reason: tenant.diet.needs } });
  const consent = { fields: ["name", "email", "phone", "allergens", "needs"], obtained: "in-person" };
  await ask(tenant, "customer-consent.give", { params, body: consent });
  await ask(tenant, "customer-consent.give", { params, body: { ...consent, obtained: tenant.diet.needs } });
  await ask(tenant, "customer-consent.sharedProfiles", { params, headers: again });
  const announced = { name: `${person.name}.pdf`, mediaType: "application/pdf", orderId: tenant.orderId };
  const file = await ask(tenant, "files.create", { body: announced, headers: again });
  const fileId = file.json.id;
  await ask(tenant, "files.upload", { params: { fileId }, bytes: utf8("%PDF-1.7\n") });
  await ask(tenant, "files.update", { params: { fileId }, body: { name: `${person.name} 2.pdf` } });
  const downloaded = await ask(tenant, "files.download", { params: { fileId } });
  expect(downloaded.headers.get("content-disposition")).toContain(encodeURIComponent("Ünwin 2.pdf"));
  const key = await ask(tenant, "api-keys.create", {
    body: { name: personal.key, scopes: ["orders:read"] },
  });
  const expiresAt = timestamp(Date.now() + dayMs);
  const limit = { perMinute: 60, burst: 5, reason: personal.key, expiresAt };
  const limited = await ask(tenant, "api-keys.setLimit", { params: { apiKeyId: key.json.id }, body: limit });
  expect(limited.json.reason).toBe(personal.key);
  for (const { name, operation } of operations)
    if (operation.mount !== "protocol" && operation.store !== "none")
      await ask(tenant, name, await wholly(tenant, name));
  const { as } = await memberOf(tenant, "installer");
  for (const { name } of tenantOperations)
    await ask(tenant, name, { ...(await exampleOf(name).make(tenant)), as });
  await ask(tenant, "audit.list", { query: { limit: "100" } });
}

async function wholly(tenant: TestTenant, name: string): Promise<Call> {
  const { as } = await wholeOf(tenant, name);
  return { as, ...(await exampleOf(name).make(tenant)) };
}

/** Through the consumer at once, beside what the queue itself will hand over: it counts nothing twice. */
async function logWhatWasNoted(): Promise<void> {
  const messages = counts.noted.flatMap((batch) => NotedBatch.parse(batch)).map(({ body }) => body);
  for (const { id } of cellsOf(env)) {
    const tenants = [us, ...neighbours].filter(({ cell }) => cell.id === id).map(({ tenantId }) => tenantId);
    const own = messages.filter(({ tenantId }) => tenants.includes(tenantId));
    for (let at = 0; at < own.length; at += 50)
      await consumed(own.slice(at, at + 50), testEnv(), Date.now(), id);
  }
}

/** What we try to learn of a neighbour: by its URL, by its ids in ours, and by searching for its people. */
async function pry(neighbour: TestTenant & Canaries): Promise<void> {
  for (const { name } of tenantOperations) {
    const theirs = await exampleOf(name).make(neighbour);
    const { as } = await wholeOf(us, name);
    for (const tenant of [neighbour.slug, neighbour.tenantId]) await ask(us, name, { as, ...theirs, tenant });
    await ask(us, name, { as, ...theirs });
  }
  for (const { name, email, phone } of neighbour.people)
    for (const body of [{ name }, { name: name.slice(0, 4) }, { email }, { phone }])
      expect((await ask(us, "customers.search", { body })).json.data, JSON.stringify(body)).toEqual([]);
  for (const query of [{ actorId: neighbour.memberIds.owner }, { entityId: neighbour.orderId }])
    await ask(us, "audit.list", { query: { ...query, limit: "100" } });
}

async function ask(tenant: TestTenant, name: string, changes: Call) {
  const answer = await call(name, {
    tenant: tenant.slug,
    as: tenant.key,
    env,
    ...changes,
    headers: { "User-Agent": personal.userAgent, "CF-Connecting-IP": personal.ip, ...changes.headers },
  });
  if (tenant === us) answeredToUs.push(`${JSON.stringify([...answer.headers])} ${answer.text}`);
  return answer;
}

function foundIn(things: readonly unknown[]): string[] {
  return found(everyWord, JSON.stringify(things));
}

/** One of the things, or a row where there is none, as it would be with the word in it. */
function planted([thing]: readonly unknown[], word: string): unknown {
  if (typeof thing === "string") return `${thing.slice(0, 20)}${word}${thing.slice(20)}`;
  return Array.isArray(thing) ? [...thing, word] : { ...Object(thing), planted: word };
}

async function everyRow(): Promise<Seen> {
  const databases = [
    ...cellsOf(testEnv()),
    ...cellsOf(testEnv()).map(({ id, log }) => ({ id: `log ${id}`, database: log })),
    { id: "directory", database: testEnv().DIRECTORY },
  ];
  const rows: Record<string, unknown[]> = {};
  for (const { id, database } of databases)
    for (const table of await tablesOf(id, database))
      rows[`${id} ${table}`] = await rowsOf(database, `select * from "${table}"`);
  return rows;
}

async function everyFile(): Promise<Seen> {
  const buckets = cellsOf(testEnv()).flatMap(({ id, files, callArchive }) => [
    { kind: `files ${id}`, bucket: files },
    { kind: `archive ${id}`, bucket: callArchive },
  ]);
  const lists = buckets.map(async ({ kind, bucket }) => [kind, await keysOf(bucket)] as const);
  return Object.fromEntries(await Promise.all(lists));
}

function everyArchivedCall(): Promise<Seen> {
  return textsOf(cellsOf(testEnv()).map(({ id, callArchive }) => [id, callArchive]));
}

function everyLogFile(): Promise<Seen> {
  const cells = cellsOf(testEnv()).map(({ id, auditLog }): [string, R2Bucket] => [id, auditLog]);
  return textsOf([...cells, ["platform", testEnv().AUDIT_LOG_PLATFORM]]);
}

async function everyCopy(): Promise<Seen> {
  const { objects } = await sink.told();
  return { sink: objects.map(({ key, base64 }) => `${key} ${atob(base64)}`) };
}

/** Keys and contents. */
async function textsOf(buckets: readonly [string, R2Bucket][]): Promise<Seen> {
  const seen = buckets.map(async ([name, bucket]) => {
    const texts = (await keysOf(bucket)).map(
      async (key) => `${key} ${await (await bucket.get(key))?.text()}`,
    );
    return [name, await Promise.all(texts)] as const;
  });
  return Object.fromEntries(await Promise.all(seen));
}

async function keysOf(bucket: R2Bucket): Promise<string[]> {
  const { objects, truncated } = await bucket.list();
  expect(truncated, "one page holds every key").toBe(false);
  return objects.map(({ key }) => key);
}

function queuesOf(cellId: string): Queue[] {
  const cell = cellsOf(env).find(({ id }) => id === cellId);
  if (!cell) throw new Error(`There is no cell ${cellId}.`);
  return [cell.queue, cell.webhooks];
}
