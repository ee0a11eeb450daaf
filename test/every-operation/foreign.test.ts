import { beforeAll, expect, test } from "vitest";
import { type Answer, type Call, clientOf } from "#test/client.ts";
import { comparable } from "#test/comparable.ts";
import { absentLike, exampleOf, tenantOperations } from "#test/examples.ts";
import { roleTable } from "#test/gate/role-table.ts";
import { memberToken, newTenant, type Role, type TestTenant } from "#test/world.ts";
import { grown, written } from "#test/written.ts";
import { expectSuccess, memberOf, ownKeyOf, tryOut } from "./trial.ts";

const { call } = clientOf();

/** Two tenants of one cell, where a forgotten tenant_id would show, and one of another; by name of who asks whom. */
const pairs: readonly [from: string, to: string][] = [
  ["us1", "us1 too"],
  ["us1 too", "us1"],
  ["us1", "eu1"],
  ["eu1", "us1"],
];
const tenants = new Map<string, TestTenant>();

const ownKey = "own key";
const roles = Object.keys(roleTable) as Role[];
/** What each sends as a bearer, by its tenant's name and its own. */
const bearers = new Map<string, string>();

beforeAll(async () => {
  tenants.set("us1", await newTenant("signs"));
  tenants.set("us1 too", await newTenant("signs"));
  tenants.set("eu1", await newTenant("cafe", { plan: "enterprise" }));
  for (const [name, tenant] of tenants) {
    bearers.set(`${name} ${ownKey}`, ownKeyOf(tenant).as);
    for (const role of roles) bearers.set(`${name} ${role}`, (await memberOf(tenant, role)).as);
  }
});

// What no name can be: too short or long, of other letters, escaping its place.
const malformed = [
  "x",
  "UPPER",
  "ten_",
  "a b",
  "ä",
  "a/b",
  "..%2f",
  "'",
  "n".repeat(300),
  "\0",
  "?",
  "%",
  "*",
  "1",
];

for (const { name } of tenantOperations) {
  for (const [from, to] of pairs) {
    test(`${name}: from ${from}, the tenant ${to} is not there, by slug or id, whoever asks`, async () => {
      const [own, foreign] = [tenantOf(from), tenantOf(to)];
      const input = await exampleOf(name).make(foreign);
      const before = await written();
      const ask = (tenant: string, who = ownKey) => call(name, { tenant, as: bearerOf(from, who), ...input });
      const absent = await ask("nobody-has-this-slug");
      expectNotFound(absent);
      expect(comparable(await ask(absentLike(own.tenantId)))).toBe(comparable(absent));
      await everyOne([ownKey, ...roles], async (who) => {
        for (const tenant of [foreign.slug, foreign.tenantId])
          expect(comparable(await ask(tenant, who)), who).toBe(comparable(absent));
      });
      expect(grown(before, await written())).toEqual({});
    });
  }

  test(`${name}: a malformed tenant is answered as an absent one`, async () => {
    const own = tenantOf("us1");
    const input = await exampleOf(name).make(own);
    const absent = await call(name, { tenant: "nobody-has-this-slug", as: own.key, ...input });
    for (const tenant of malformed)
      expect(comparable(await call(name, { tenant, as: own.key, ...input })), tenant).toBe(
        comparable(absent),
      );
  });

  test(`${name} answers its own tenant by slug and by id alike`, async () => {
    const own = tenantOf("us1");
    for (const tenant of [own.slug, own.tenantId])
      expectSuccess(name, await tryOut(own, name, ownKeyOf(own), { tenant }));
  });
}

for (const { name, operation } of tenantOperations.filter(({ operation }) => operation.params)) {
  for (const [from, to] of pairs) {
    test(`${name}: from ${from}, an id of ${to} is answered as an absent one to all who may call it`, async () => {
      const [own, foreign] = [tenantOf(from), tenantOf(to)];
      const [input, theirs] = [await exampleOf(name).make(own), await exampleOf(name).make(foreign)];
      const before = await written();
      const theirIds = idsAmong(theirs.params);
      for (const [key, id] of theirIds) {
        const params = (value: string) => ({ ...input.params, [key]: value });
        const ask = (value: string, who = ownKey) =>
          asked(own, name, { ...input, params: params(value), as: bearerOf(from, who) });
        const absent = await ask(absentLike(id));
        expectNotFound(absent);
        await everyOne(callersOf(name), async (who) =>
          expect(comparable(await ask(id, who)), who).toBe(comparable(absent)),
        );
      }
      expect(theirIds.length).toBeGreaterThan(0);
      expect(grown(before, await written())).toEqual({});
    });
  }

  test(`${name}: a malformed id is answered as an absent one`, async () => {
    const own = tenantOf("us1");
    const input = await exampleOf(name).make(own);
    expect(operation.problems).toContain("not-found");
    for (const [key, id] of idsAmong(input.params)) {
      const ask = (value: string) =>
        asked(own, name, { ...input, params: { ...input.params, [key]: value } });
      const absent = await ask(absentLike(id));
      const near = [`zzz_${id.slice(4)}`, id.slice(4), id.toUpperCase(), `${id}0`, ` ${id}`, `${id}\n`];
      for (const value of [...near, ...malformed])
        expect(comparable(await ask(value)), JSON.stringify(value)).toBe(comparable(absent));
    }
  });
}

for (const { name } of tenantOperations) {
  for (const pointer of exampleOf(name).bodyIds ?? []) {
    for (const [from, to] of pairs) {
      test(`${name}: from ${from}, an id of ${to} at ${pointer} is refused as an absent one`, async () => {
        const [own, foreign] = [tenantOf(from), tenantOf(to)];
        const input = await exampleOf(name).make(own);
        const theirId = at((await exampleOf(name).make(foreign)).body, pointer);
        const before = await written();
        const ask = (value: string, who = ownKey) =>
          asked(own, name, { ...input, body: put(input.body, pointer, value), as: bearerOf(from, who) });
        const absent = await ask(absentLike(theirId));
        expect([absent.status, absent.json.type, absent.json.errors]).toEqual([
          422,
          "/problems/invalid",
          [{ pointer, detail: expect.any(String) }],
        ]);
        await everyOne(callersOf(name), async (who) =>
          expect(comparable(await ask(theirId, who)), who).toBe(comparable(absent)),
        );
        const malformed = await ask("x");
        expect([malformed.status, malformed.json.errors]).toEqual([
          422,
          [expect.objectContaining({ pointer })],
        ]);
        expect(grown(before, await written())).toEqual({});
      });
    }
  }

  for (const parameter of exampleOf(name).queryIds ?? []) {
    test(`${name}?${parameter}= of another tenant finds what an absent id finds: nothing`, async () => {
      const [own, foreign] = [tenantOf("us1"), tenantOf("us1 too")];
      const ids = { ...foreign.memberIds, customer: foreign.customerIds[0], order: foreign.orderId };
      const file = await asked(foreign, "files.create", await exampleOf("files.create").make(foreign));
      const theirs = { customerId: ids.customer, locationId: foreign.locationIds[0], actorId: ids.owner };
      const { documentId } = file.json;
      const id = String({ ...theirs, documentId, orderId: ids.order, entityId: ids.order }[parameter]);
      const ask = (value: string, who = ownKey) =>
        asked(own, name, { query: { [parameter]: value }, as: bearerOf("us1", who) });
      const absent = await ask(absentLike(id));
      expect([absent.status, absent.json]).toMatchObject([200, { data: [], nextCursor: null }]);
      await everyOne(callersOf(name), async (who) =>
        expect(comparable(await ask(id, who)), who).toBe(comparable(absent)),
      );
    });
  }
}

test("another tenant's cursor, bookmark and idempotency key are worth nothing", async () => {
  const [own, foreign] = [tenantOf("us1"), tenantOf("us1 too")];
  for (const name of tenantOperations.map((each) => each.name).filter((each) => each.endsWith(".list"))) {
    const { nextCursor } = (await asked(foreign, name, { query: { limit: "1" } })).json;
    // Roles come all at once, so they have none.
    if (!nextCursor) continue;
    const used = await asked(own, name, { query: { limit: "1", cursor: nextCursor } });
    const invented = await asked(own, name, { query: { limit: "1", cursor: "invented.cursor" } });
    expect(comparable(used), name).toBe(comparable(invented));
    expect(used.json.errors).toEqual([expect.objectContaining({ parameter: "cursor" })]);
  }
  const create = { body: { name: "Ada Lovelace" }, headers: { "Idempotency-Key": "same" } };
  const theirs = await asked(foreign, "customers.create", create);
  const ours = await asked(own, "customers.create", create);
  expect([ours.status, ours.headers.get("idempotency-replayed")]).toEqual([201, null]);
  expect(ours.json.id).not.toBe(theirs.json.id);
  const bookmark = theirs.headers.get("x-keyline-bookmark") ?? "";
  expect(bookmark).toMatch(/~/);
  expectSuccess(
    "customers.list",
    await asked(own, "customers.list", { headers: { "X-Keyline-Bookmark": bookmark } }),
  );
});

test("a member's token names its own tenant, cell and member together or is no token here", async () => {
  const [own, foreign, far] = [tenantOf("us1"), tenantOf("us1 too"), tenantOf("eu1")];
  const mixed = [
    { tenant: foreign.tenantId },
    { tenant: foreign.tenantId, cell: far.cell.id },
    { member: foreign.memberIds.owner },
    { cell: far.cell.id },
    { cell: "xx9" },
  ];
  for (const claims of mixed) {
    const as = await memberToken(own, "owner", claims);
    for (const { slug } of [own, foreign, far]) {
      const answer = await call("orders.list", { tenant: slug, as });
      expect([answer.status, answer.json.type], JSON.stringify(claims)).toEqual([
        401,
        "/problems/unauthorized",
      ]);
    }
  }
});

function tenantOf(name: string): TestTenant {
  const tenant = tenants.get(name);
  if (!tenant) throw new Error(`There is no tenant ${name} here.`);
  return tenant;
}

function bearerOf(tenant: string, who: string): string {
  const bearer = bearers.get(`${tenant} ${who}`);
  if (!bearer) throw new Error(`Nobody of ${tenant} is ${who}.`);
  return bearer;
}

/** The tenant's key of every capability, and the roles that may call this. */
function callersOf(name: string): string[] {
  const { needs } = exampleOf(name);
  return [ownKey, ...roles.filter((role) => needs === "any principal" || roleTable[role].includes(needs))];
}

/** All at once: each has a gate and a rate of its own, and nothing they ask for changes anything. */
async function everyOne(names: readonly string[], ask: (who: string) => Promise<void>): Promise<void> {
  await Promise.all(names.map(ask));
}

async function asked(tenant: TestTenant, name: string, input: Call): Promise<Answer> {
  return await call(name, { tenant: tenant.slug, as: tenant.key, ...input });
}

function expectNotFound({ status, json }: Answer): void {
  expect([status, json.type, json.errors]).toEqual([404, "/problems/not-found", undefined]);
}

function at(body: unknown, pointer: string): string {
  return String(steps(pointer).reduce<unknown>((value, key) => Reflect.get(Object(value), key), body));
}

function put(body: unknown, pointer: string, value: string): unknown {
  const copy: unknown = structuredClone(body);
  const path = steps(pointer);
  const last = path.pop() ?? "";
  const holder = path.reduce<unknown>((inner, key) => Reflect.get(Object(inner), key), copy);
  Reflect.set(Object(holder), last, value);
  return copy;
}

function steps(pointer: string): string[] {
  return pointer.split("/").slice(1);
}

/** Not what only counts, such as the number of a part. */
function idsAmong(params: Call["params"] = {}): [key: string, id: string][] {
  return Object.entries(params).filter(([key]) => key.endsWith("Id"));
}
