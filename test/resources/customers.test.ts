import { expect, test } from "vitest";
import { newId } from "#platform/ids.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { as, newTenant, rowsOf, type TestTenant } from "#test/world.ts";
import { grown, written } from "#test/written.ts";

const { call } = clientOf();

const ada = {
  name: "Ada King Lovelace",
  email: "Ada.Lovelace@Example.com",
  phone: "+44 (0)20 7946-0018",
  note: "Prefers letters.\nNo calls before ten.",
};

test("a customer reads back as it was sent, trimmed, with what was left out as null", async () => {
  const tenant = await newTenant();
  const made = await create(tenant, { ...ada, name: `  ${ada.name} ` });
  expect([made.status, made.headers.get("etag")]).toEqual([201, '"1"']);
  expect(made.json).toMatchObject({ ...ada, deletedAt: null, version: 1 });
  expect(Object.keys(made.json).sort()).toEqual(
    ["createdAt", "deletedAt", "email", "id", "name", "note", "phone", "updatedAt", "version"].sort(),
  );
  expect((await get(tenant, made.json.id)).text).toBe(made.text);
  const bare = await create(tenant, { name: "Bo" });
  expect(bare.json).toMatchObject({ name: "Bo", email: null, phone: null, note: null });
});

test("nothing that is personal lies in the table in plain", async () => {
  const tenant = await newTenant();
  await create(tenant, ada);
  const rows = await rowsOf(
    tenant.cell.database,
    "select * from customers where tenant_id = ?",
    tenant.tenantId,
  );
  expect(rows).toHaveLength(3);
  const text = JSON.stringify(rows).toLowerCase();
  expect(text).toContain(tenant.tenantId);
  for (const canary of ["lovelace", "7946", "letters", "example.com"]) expect(text).not.toContain(canary);
});

test("a change touches what it names, and null clears it", async () => {
  const tenant = await newTenant();
  const { json: before } = await create(tenant, ada);
  const changed = await change(tenant, before.id, { email: "countess@example.com", note: null });
  expect(changed.json).toMatchObject({ ...ada, email: "countess@example.com", note: null, version: 2 });
  expect([changed.json.createdAt, changed.headers.get("etag")]).toEqual([before.createdAt, '"2"']);
  expect((await get(tenant, before.id)).text).toBe(changed.text);
});

const wrong: [body: object, pointer: string][] = [
  [{}, "/name"],
  [{ name: "" }, "/name"],
  [{ name: "   " }, "/name"],
  [{ name: "x".repeat(201) }, "/name"],
  [{ name: "two\nlines" }, "/name"],
  [{ name: "two\u2028lines" }, "/name"],
  [{ name: "Ada\u0000" }, "/name"],
  [{ name: "Ada\u001b[31m" }, "/name"],
  [{ name: "Ada\u007f" }, "/name"],
  [{ name: "half \ud83d" }, "/name"],
  [{ name: 7 }, "/name"],
  [{ name: null }, "/name"],
  [{ name: "A", email: "nobody" }, "/email"],
  [{ name: "A", email: "a@b" }, "/email"],
  [{ name: "A", phone: "020 7946 0018" }, "/phone"],
  [{ name: "A", phone: "call me" }, "/phone"],
  [{ name: "A", note: "x".repeat(4001) }, "/note"],
  [{ name: "A", note: "bell \u0007" }, "/note"],
  [{ name: "A", colour: "red" }, "/colour"],
  [{ name: "A", id: "cus_01jd7v9s3kf8x9q2m5n6p7r8t9" }, "/id"],
  [{ name: "A", tenantId: "ten_01jd7v9s3kf8x9q2m5n6p7r8t9" }, "/tenantId"],
  [{ name: "A", deletedAt: null }, "/deletedAt"],
  [{ name: "A", version: 9 }, "/version"],
];

test("bad input is refused by the field's name and writes nothing", async () => {
  const tenant = await newTenant();
  const [id = ""] = tenant.customerIds;
  const before = await written();
  for (const [body, pointer] of wrong) {
    const answer = await create(tenant, body);
    expect([body, answer.status, answer.json.errors.map(pointerOf)]).toEqual([body, 422, [pointer]]);
    if (Object.keys(body).length === 0) continue;
    const changed = await change(tenant, id, body);
    expect([body, changed.status, changed.json.errors.map(pointerOf)]).toEqual([body, 422, [pointer]]);
  }
  const twice = await create(tenant, { name: "", email: "nobody", colour: "red" });
  expect(twice.json.errors.map(pointerOf).toSorted()).toEqual(["/colour", "/email", "/name"]);
  expect(grown(before, await written())).toEqual({});
});

test("a deleted customer is in no list and no search, is not changed, and comes back whole", async () => {
  const tenant = await newTenant();
  const { json: made } = await create(tenant, ada);
  const deleted = await call("customers.remove", one(tenant, made.id));
  expect([deleted.status, deleted.json.deletedAt === null]).toEqual([200, false]);
  expect((await list(tenant)).json.data.map(idOf)).not.toContain(made.id);
  for (const query of [{ name: "ada" }, { email: ada.email }, { phone: ada.phone }])
    expect(await found(tenant, query)).toEqual([]);
  expect((await get(tenant, made.id)).json).toEqual(deleted.json);
  const before = await written();
  const refused = await change(tenant, made.id, { note: "x" });
  expect([refused.status, refused.json.type]).toEqual([409, "/problems/customer-deleted"]);
  expect(grown(before, await written())).toEqual({});

  const again = await call("customers.remove", one(tenant, made.id));
  expect(again.text).toBe(deleted.text);
  const restored = await call("customers.restore", one(tenant, made.id));
  expect(restored.json).toMatchObject({ ...ada, deletedAt: null, version: 3 });
  expect(await found(tenant, { name: "ada" })).toEqual([made.id]);
  expect(await found(tenant, { email: ada.email })).toEqual([made.id]);
  const events = await rowsOf<{ type: string }>(
    tenant.cell.database,
    "select type from events where tenant_id = ? and type like 'customer.%' order by seq",
    tenant.tenantId,
  );
  expect(events.map(({ type }) => type)).toEqual([
    "customer.created",
    "customer.deleted",
    "customer.restored",
  ]);
});

test("whom nobody made, another tenant's and a malformed id are not found alike", async () => {
  const [tenant, other] = [await newTenant(), await newTenant()];
  const ids = [newId("cus"), other.customerIds[0] ?? "", "cus_short", "ord_01jd7v9s3kf8x9q2m5n6p7r8t9"];
  const before = await written();
  for (const name of ["customers.get", "customers.update", "customers.remove", "customers.restore"]) {
    const body = name === "customers.update" ? { note: "x" } : undefined;
    const answers = await Promise.all(ids.map((id) => call(name, { ...one(tenant, id), body })));
    expect(
      new Set(answers.map(({ status, text, json }) => status + text.replace(json.requestId, ""))).size,
    ).toBe(1);
    expect(answers[0]?.status).toBe(404);
  }
  expect(grown(before, await written())).toEqual({});
  expect((await get(other, other.customerIds[0] ?? "")).json).toMatchObject({ version: 1, deletedAt: null });
});

const searches: Readonly<Record<string, boolean>> = {
  ada: true,
  ADA: true,
  Ad: true,
  "ada lovelace": true,
  "lovelace ada": true,
  "love ki": true,
  "  lovelace ": true,
  "lovelace!": true,
  ａｄａ: true,
  Áda: true,
  a: false,
  da: false,
  "ada byron": false,
  lovelaces: false,
  example: false,
  "***": false,
  'ada" OR "bo': false,
  "ada NOT king": false,
  "tokens:ada": false,
};

test("a name is found by the beginnings of its words, in any order and spelling, and by nothing else", async () => {
  const tenant = await newTenant();
  const { json: made } = await create(tenant, ada);
  const seen: Record<string, boolean> = {};
  for (const name of Object.keys(searches)) {
    const answer = await search(tenant, { name });
    expect([name, answer.status]).toEqual([name, 200]);
    const ids = answer.json.data.map(idOf);
    expect(ids.filter((id: string) => id !== made.id)).toEqual([]);
    seen[name] = ids.length === 1;
  }
  expect(seen).toEqual(searches);
});

test("accents, apostrophes and other scripts are searched as people type them", async () => {
  const tenant = await newTenant();
  const people = { "José O’Neill": ["jose", "neill", "JOSÉ"], Łukasz: ["łuk"], 山田太郎: ["山田"] };
  for (const [name, queries] of Object.entries(people)) {
    const { json } = await create(tenant, { name });
    for (const query of queries)
      expect([query, await found(tenant, { name: query })]).toEqual([query, [json.id]]);
  }
});

test("an e-mail and a phone are found however they are written, and only whole", async () => {
  const tenant = await newTenant();
  const { json: made } = await create(tenant, ada);
  for (const email of ["ada.lovelace@example.com", "ADA.LOVELACE@EXAMPLE.COM", " Ada.Lovelace@example.com "])
    expect([email, await found(tenant, { email })]).toEqual([email, [made.id]]);
  for (const phone of ["+442079460018", "0044 20 7946 0018", "+44 (20) 7946.0018", "+44‑20‑7946‑0018"])
    expect([phone, await found(tenant, { phone })]).toEqual([phone, [made.id]]);
  for (const email of ["lovelace@example.com", "ada.lovelace", "ada.lovelace+shop@example.com"])
    expect([email, await found(tenant, { email })]).toEqual([email, []]);
  for (const phone of ["20 7946 0018", "+44 20 7946 001", "+44 20 7946 00181"])
    expect([phone, await found(tenant, { phone })]).toEqual([phone, []]);
});

test("after a change the old name, e-mail and phone find nothing and the new ones do", async () => {
  const tenant = await newTenant();
  const { json: made } = await create(tenant, ada);
  const next = { name: "Augusta Byron", email: "augusta@example.com", phone: "+44 20 7946 0999" };
  await change(tenant, made.id, next);
  for (const query of [{ name: "ada" }, { name: "lovelace" }, { email: ada.email }, { phone: ada.phone }])
    expect([query, await found(tenant, query)]).toEqual([query, []]);
  for (const query of [{ name: "aug by" }, { email: next.email }, { phone: next.phone }])
    expect([query, await found(tenant, query)]).toEqual([query, [made.id]]);
  await change(tenant, made.id, { note: "Only the note", email: null });
  expect(await found(tenant, { name: "augusta" })).toEqual([made.id]);
  expect(await found(tenant, { email: next.email })).toEqual([]);
});

test("a search asks by exactly one of name, e-mail and phone, and what is wrong is named", async () => {
  const tenant = await newTenant();
  const refused: [body: object, error: object][] = [
    [{}, { pointer: "/name" }],
    [{ name: "a", email: "a@b.example" }, { pointer: "/email" }],
    [{ name: "" }, { pointer: "/name" }],
    [{ name: 7 }, { pointer: "/name" }],
    [{ phone: null }, { pointer: "/phone" }],
    [{ email: "x".repeat(255) }, { pointer: "/email" }],
    [{ name: "x", limit: 101 }, { pointer: "/limit" }],
    [{ name: "x", limit: "5" }, { pointer: "/limit" }],
    [{ name: "x", note: "letters" }, { pointer: "/note" }],
    [{ name: "x", cursor: "x" }, { parameter: "cursor" }],
  ];
  for (const [body, error] of refused) {
    const answer = await search(tenant, body);
    expect([body, answer.status]).toEqual([body, 422]);
    expect(answer.json.errors).toMatchObject([error]);
  }
  expect((await search(tenant, { id: "x" })).status).toBe(422);
  for (const body of [{ email: "nobody" }, { phone: "020 7946 0018" }])
    expect(await found(tenant, body)).toEqual([]);
});

test("all who share an e-mail or a phone are found, newest first", async () => {
  const tenant = await newTenant();
  const ids: string[] = [];
  for (let count = 0; count < 3; count += 1) ids.push((await create(tenant, ada)).json.id);
  for (const query of [{ email: ada.email }, { phone: ada.phone }, { name: "ada" }])
    expect(await found(tenant, query)).toEqual(ids.toSorted().toReversed());
});

test("nobody is found in another tenant", async () => {
  const [tenant, other] = [await newTenant(), await newTenant()];
  await create(other, ada);
  for (const query of [{ name: "ada" }, { email: ada.email }, { phone: ada.phone }])
    expect(await found(tenant, query)).toEqual([]);
});

test("lists and searches of more than a hundred are paged whole, newest first, whatever is added meanwhile", async () => {
  const tenant = await newTenant();
  const made: string[] = [];
  for (let index = 0; index < 13; index += 1) {
    const batch = Array.from({ length: 10 }, (_, at) =>
      create(tenant, { name: `Regular ${index * 10 + at}` }),
    );
    made.push(...(await Promise.all(batch)).map(({ json }) => json.id));
  }
  const newestFirst = made.toSorted().toReversed();
  const searched = await pages((cursor) => search(tenant, { name: "regular", limit: 50, ...cursor }), tenant);
  expect(searched).toEqual([newestFirst.slice(0, 50), newestFirst.slice(50, 100), newestFirst.slice(100)]);
  const [first = [], ...rest] = await pages((cursor) => list(tenant, { limit: "100", ...cursor }), tenant);
  expect(first).toHaveLength(100);
  const listed = [...first, ...rest.flat()];
  expect(new Set(listed).size).toBe(listed.length);
  expect(listed.filter((id) => made.includes(id))).toEqual(newestFirst);
  expect(listed).toEqual(listed.toSorted().toReversed());
  const { json } = await list(tenant);
  expect([json.data.length, json.nextCursor === null]).toEqual([20, false]);
});

test("a search's cursor serves that search alone", async () => {
  const tenant = await newTenant();
  for (let index = 0; index < 3; index += 1) await create(tenant, { name: "Same Name" });
  const { json } = await search(tenant, { name: "same", limit: 1 });
  for (const body of [{ name: "name" }, { email: ada.email }]) {
    const answer = await search(tenant, { ...body, cursor: json.nextCursor });
    expect([answer.status, answer.json.errors[0].parameter]).toEqual([422, "cursor"]);
  }
  expect((await list(tenant, { cursor: json.nextCursor })).status).toBe(422);
  expect((await search(tenant, { name: "same", cursor: json.nextCursor })).json.data).toHaveLength(2);
});

test("a list's cursor is worth nothing to another list or tenant, or once it was touched", async () => {
  const [tenant, other] = [await newTenant(), await newTenant()];
  const { nextCursor: cursor } = (await list(tenant, { limit: "1" })).json;
  const [text, mac] = cursor.split(".");
  const refused = [
    list(other, { cursor }),
    call("locations.list", { ...as(tenant), query: { cursor } }),
    search(tenant, { name: "dolores", cursor }),
    list(tenant, { cursor: `${text}.` }),
    list(tenant, { cursor: text }),
    list(tenant, { cursor: `${btoa(newId("cus")).replace(/=*$/, "")}.${mac}` }),
    list(tenant, { cursor: "" }),
  ];
  for (const answer of await Promise.all(refused))
    expect([answer.status, answer.json.errors?.[0]?.parameter]).toEqual([422, "cursor"]);
  const { data, nextCursor } = (await list(tenant, { cursor, limit: "5" })).json;
  expect([data.map(idOf), nextCursor]).toEqual([[tenant.customerIds.toSorted()[0]], null]);
});

/** The ids of every page; between pages somebody adds another customer. */
async function pages(
  ask: (cursor: { cursor?: string }) => Promise<Answer>,
  tenant: TestTenant,
): Promise<string[][]> {
  const seen: string[][] = [];
  let cursor: string | null = null;
  do {
    const { json }: Answer = await ask(cursor === null ? {} : { cursor });
    seen.push(json.data.map(idOf));
    cursor = json.nextCursor;
    await create(tenant, { name: "Regular latecomer" });
  } while (cursor !== null);
  return seen;
}

function one(tenant: TestTenant, customerId: string) {
  return { ...as(tenant), params: { customerId } };
}

function create(tenant: TestTenant, body: object): Promise<Answer> {
  return call("customers.create", { ...as(tenant), body });
}

function get(tenant: TestTenant, id: string): Promise<Answer> {
  return call("customers.get", one(tenant, id));
}

function change(tenant: TestTenant, id: string, body: object): Promise<Answer> {
  return call("customers.update", { ...one(tenant, id), body });
}

function list(tenant: TestTenant, query: Record<string, string> = {}): Promise<Answer> {
  return call("customers.list", { ...as(tenant), query });
}

function search(tenant: TestTenant, body: object): Promise<Answer> {
  return call("customers.search", { ...as(tenant), body });
}

async function found(tenant: TestTenant, query: object): Promise<string[]> {
  const { status, json } = await search(tenant, query);
  expect(status).toBe(200);
  return json.data.map(idOf);
}

function idOf({ id }: { id: string }): string {
  return id;
}

function pointerOf({ pointer }: { pointer?: string }): string | undefined {
  return pointer;
}
