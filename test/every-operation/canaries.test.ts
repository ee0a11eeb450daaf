import { beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { archiveCalls } from "#jobs/archive-calls.ts";
import { runScheduled } from "#jobs/scheduled.ts";
import { CallMessage } from "#lib/call-record.ts";
import { hourMs } from "#lib/time.ts";
import { utf8 } from "#lib/utf8.ts";
import { cellsOf } from "#platform/cells.ts";
import { registry } from "#resources/index.ts";
import { consumed } from "#test/call-log.ts";
import { type Canaries, found, newCanaries } from "#test/canaries.ts";
import { type Call, clientOf } from "#test/client.ts";
import { counted } from "#test/counted.ts";
import { testEnv } from "#test/env.ts";
import { exampleOf, operations, tenantOperations } from "#test/examples.ts";
import { newTenant, rowsOf, type TestTenant } from "#test/world.ts";
import { tablesOf } from "#test/written.ts";
import { memberOf } from "./trial.ts";

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

beforeAll(async () => {
  for (const level of ["log", "info", "warn", "error", "debug"] as const)
    vi.spyOn(console, level).mockImplementation((...line) => void printed.push(line.map(String).join(" ")));
  us = await newCanaryTenant("signs");
  neighbours = [await newCanaryTenant("signs"), await newCanaryTenant("cafe")];
  everyWord = [us, ...neighbours].flatMap(({ words, slug }) => [...words, ...staffOf(slug)]);
  everyWord.push(...Object.values(personal));
  for (const tenant of [us, ...neighbours]) await live(tenant);
  for (const neighbour of neighbours) await pry(neighbour);
  await logWhatWasNoted();
  await runScheduled(env, registry, Date.now() + 120_000);
  for (const cell of cellsOf(env)) await archiveCalls(cell, Date.now() + 2 * hourMs);
});

/** Where personal data must not be, how to see it there, and how it would come there. */
const places: Readonly<
  Record<string, { look: () => Promise<string> | string; plant: (word: string) => unknown }>
> = {
  "a line of the log": {
    look: () => printed.join("\n"),
    plant: (word) => console.info(JSON.stringify({ to: word })),
  },
  "a row of any table, events and audit among them": {
    look: everyRow,
    plant: (word) =>
      rowsOf(
        us.cell.database,
        "insert into events (tenant_id, seq, id, type, data, actor_kind, actor_id, request_id, created_at) values (?, 9999, 'evt_planted', 'x', ?, 'system', 'system', 'x', 'x')",
        us.tenantId,
        JSON.stringify({ email: word }),
      ),
  },
  "a message of a queue, calls on their way among them": {
    look: () => JSON.stringify([counts.sent, counts.noted]),
    plant: (word) => queueOf(us.cell.id).send({ v: 1, tenantId: us.tenantId, note: word }),
  },
  "the name of an object": {
    look: () => counts.objects.join("\n"),
    plant: (word) => env.GATES.getByName(word),
  },
  "an archived call": {
    look: everyArchivedCall,
    plant: (word) => us.cell.callArchive.put(`${us.tenantId}/planted`, JSON.stringify({ route: word })),
  },
  "the key of a file": {
    look: async () => counts.files.join("\n") + (await everyFile()),
    plant: (word) => us.cell.files.put(`${us.tenantId}/${encodeURIComponent(word)}`, "x"),
  },
};

for (const [place, { look, plant }] of Object.entries(places)) {
  test(`nobody's personal data is in ${place}, and a planted word is found there`, async () => {
    const text = await look();
    expect(text.length).toBeGreaterThan(place.includes("file") ? 0 : 100);
    // First in a copy, so that what the search says of the place itself is worth something.
    const middle = Math.floor(text.length / 2);
    for (const word of everyWord)
      expect(found([word], `${text.slice(0, middle)}${word}${text.slice(middle)}`)).toEqual([word]);
    expect(found(everyWord, text)).toEqual([]);
    for (const [at, word] of [us.words[0], us.words[1], neighbours[0]?.words[2]].entries()) {
      if (at > 0 && place.includes("row")) continue;
      await plant(word ?? "");
      expect(found(everyWord, await look())).toContain(word);
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
  const tenant = await newTenant(kind, { plan: "enterprise", people: canaries.people });
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
  await ask(tenant, "customers.get", { params: { customerId: person.email } });
  for (const [field, value] of Object.entries(person))
    if (field !== "note") await ask(tenant, "customers.search", { body: { [field]: value } });
  const announced = { name: `${person.name}.pdf`, mediaType: "application/pdf", orderId: tenant.orderId };
  const file = await ask(tenant, "files.create", { body: announced, headers: again });
  const fileId = file.json.id;
  await ask(tenant, "files.upload", { params: { fileId }, bytes: utf8("%PDF-1.7\n") });
  await ask(tenant, "files.update", { params: { fileId }, body: { name: `${person.name} 2.pdf` } });
  const downloaded = await ask(tenant, "files.download", { params: { fileId } });
  expect(downloaded.headers.get("content-disposition")).toContain(encodeURIComponent("Ünwin 2.pdf"));
  await ask(tenant, "api-keys.create", { body: { name: personal.key, scopes: ["orders:read"] } });
  for (const { name } of tenantOperations) await ask(tenant, name, await exampleOf(name).make(tenant));
  const { as } = await memberOf(tenant, "installer");
  for (const { name } of tenantOperations)
    await ask(tenant, name, { ...(await exampleOf(name).make(tenant)), as });
  await ask(tenant, "audit.list", { query: { limit: "100" } });
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
    for (const tenant of [neighbour.slug, neighbour.tenantId]) await ask(us, name, { ...theirs, tenant });
    await ask(us, name, theirs);
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

async function everyRow(): Promise<string> {
  const databases = [
    ...cellsOf(testEnv()),
    ...cellsOf(testEnv()).map(({ id, log }) => ({ id: `log ${id}`, database: log })),
    { id: "directory", database: testEnv().DIRECTORY },
  ];
  const rows: unknown[] = [];
  for (const { id, database } of databases)
    for (const table of await tablesOf(id, database))
      rows.push(...(await rowsOf(database, `select * from "${table}"`)));
  return JSON.stringify(rows);
}

async function everyFile(): Promise<string> {
  const buckets = cellsOf(testEnv()).flatMap(({ files, callArchive }) => [files, callArchive]);
  const lists = buckets.map(async (bucket) => await bucket.list());
  return (await Promise.all(lists)).flatMap(({ objects }) => objects.map(({ key }) => key)).join("\n");
}

async function everyArchivedCall(): Promise<string> {
  const archives = cellsOf(testEnv()).map(async ({ callArchive }) => {
    const { objects } = await callArchive.list();
    return await Promise.all(objects.map(async ({ key }) => await (await callArchive.get(key))?.text()));
  });
  return (await Promise.all(archives)).flat().join("");
}

function queueOf(cellId: string): Queue {
  const cell = cellsOf(env).find(({ id }) => id === cellId);
  if (!cell) throw new Error(`There is no cell ${cellId}.`);
  return cell.queue;
}
