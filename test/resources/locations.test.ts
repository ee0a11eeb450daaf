import { expect, test } from "vitest";
import { newId } from "#platform/ids.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { memberToken, newTenant, rowsOf, type TestTenant } from "#test/world.ts";
import { grown, written } from "#test/written.ts";

const { call } = clientOf();

const pier = { name: "Pier", timezone: "Europe/London" };

test("a location reads back as it was sent, and its making is told and audited once", async () => {
  const tenant = await newTenant();
  const before = await written();
  const made = await create(tenant, { ...pier, name: "  Pier " });
  expect([made.status, made.headers.get("etag")]).toEqual([201, '"1"']);
  expect(made.json).toEqual({
    ...pier,
    id: expect.stringMatching(/^loc_/),
    version: 1,
    createdAt: made.json.updatedAt,
    updatedAt: made.json.createdAt,
  });
  // Two are counted up: the audit's rows and the outbox's.
  expect(grown(before, await written())).toEqual(
    added({ locations: 1, audit_log: 1, events: 1, counted: 2 }),
  );
  expect((await get(tenant, made.json.id)).text).toBe(made.text);
});

test("a change touches what it names", async () => {
  const tenant = await newTenant();
  const { json: made } = await create(tenant, pier);
  const renamed = await change(tenant, made.id, { name: "North pier" });
  expect(renamed.json).toMatchObject({ name: "North pier", timezone: pier.timezone, version: 2 });
  const moved = await change(tenant, made.id, { timezone: "America/Argentina/Buenos_Aires" });
  expect(moved.json).toMatchObject({ name: "North pier", version: 3, createdAt: made.createdAt });
  expect((await get(tenant, made.id)).text).toBe(moved.text);
  expect(await eventsOf(tenant)).toEqual(["location.created", "location.updated", "location.updated"]);
});

test("a location that nothing refers to is removed for good", async () => {
  const tenant = await newTenant();
  const { json: made } = await create(tenant, pier);
  const removed = await remove(tenant, made.id);
  expect([removed.status, removed.text]).toEqual([204, ""]);
  const after = await written();
  for (const answer of [get(tenant, made.id), change(tenant, made.id, pier), remove(tenant, made.id)])
    expect((await answer).status).toBe(404);
  expect(grown(after, await written())).toEqual({});
  expect(await idsOf(tenant)).toEqual(tenant.locationIds.toSorted().toReversed());
  expect(await eventsOf(tenant)).toEqual(["location.created", "location.deleted"]);
  const [last] = await rowsOf<{ row: string }>(
    tenant.cell.database,
    "select row from audit_log where tenant_id = ? and entity_id = ? and action = 'deleted'",
    tenant.tenantId,
    made.id,
  );
  expect(JSON.parse(last?.row ?? "{}")).toMatchObject(pier);
});

const users: Readonly<Record<string, (tenant: TestTenant, locationId: string) => Promise<unknown>>> = {
  "an order": (tenant, locationId) =>
    ask(tenant, "orders.create", {
      body: {
        customerId: tenant.customerIds[0],
        locationId,
        lines: [{ description: "Banner", quantityThousandths: 1000, unitPrice: 100 }],
      },
    }),
  "a member": ({ tenantId, cell, memberIds }, locationId) =>
    rowsOf(
      cell.database,
      "insert into member_locations (tenant_id, id, member_id, location_id, version, created_at, updated_at) values (?, ?, ?, ?, 1, '2026-01-01', '2026-01-01')",
      tenantId,
      newId("mlo"),
      memberIds.staff,
      locationId,
    ),
  "a key": (tenant, locationId) => newKey(tenant, locationId),
};

for (const [user, refer] of Object.entries(users)) {
  test(`a location that ${user} refers to stays, and the refusal writes nothing`, async () => {
    const tenant = await newTenant();
    const { json: made } = await create(tenant, pier);
    await refer(tenant, made.id);
    const before = await written();
    const refused = await remove(tenant, made.id);
    expect([refused.status, refused.json.type]).toEqual([409, "/problems/location-in-use"]);
    expect(grown(before, await written())).toEqual({});
    expect((await get(tenant, made.id)).json).toEqual(made);
  });
}

test("a key that was revoked holds no location", async () => {
  const tenant = await newTenant();
  const { json: made } = await create(tenant, pier);
  const { id } = (await newKey(tenant, made.id)).json;
  const revoked = await ask(tenant, "api-keys.revoke", { params: { apiKeyId: id } });
  expect([revoked.status, revoked.json.allLocations]).toEqual([200, false]);
  expect((await remove(tenant, made.id)).status).toBe(204);
});

test("a key whose time is up holds no location, and one that is let in beside it does", async () => {
  const tenant = await newTenant();
  const { json: made } = await create(tenant, pier);
  const [old, live] = [(await newKey(tenant, made.id)).json.id, (await newKey(tenant, made.id)).json.id];
  const past = "update api_keys set expires_at = ? where tenant_id = ? and id = ?";
  const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
  await rowsOf(tenant.cell.database, past, hourAgo, tenant.tenantId, old);
  expect((await remove(tenant, made.id)).json.type).toBe("/problems/location-in-use");
  await ask(tenant, "api-keys.revoke", { params: { apiKeyId: live } });
  expect((await remove(tenant, made.id)).status).toBe(204);
  const left = "select id from api_key_locations where tenant_id = ? and location_id = ?";
  expect(await rowsOf(tenant.cell.database, left, tenant.tenantId, made.id)).toEqual([]);
});

test("what another tenant's rows refer to does not hold a location here", async () => {
  const [tenant, other] = [await newTenant(), await newTenant()];
  const { json: made } = await create(tenant, pier);
  const foreign = await ask(other, "orders.create", {
    body: {
      customerId: other.customerIds[0],
      locationId: made.id,
      lines: [{ description: "Banner", quantityThousandths: 1000, unitPrice: 100 }],
    },
  });
  expect([foreign.status, foreign.json.errors[0].pointer]).toEqual([422, "/locationId"]);
  expect((await remove(tenant, made.id)).status).toBe(204);
});

test("a location that orders are just being drafted at is removed or used, never both", async () => {
  const tenant = await newTenant();
  for (let round = 0; round < 5; round += 1) {
    const { json: made } = await create(tenant, pier);
    const [removed, used] = await Promise.all([
      remove(tenant, made.id),
      users["an order"]?.(tenant, made.id) as Promise<Answer>,
    ]);
    expect([
      [204, 422],
      [409, 201],
    ]).toContainEqual([removed.status, used.status]);
    expect((await get(tenant, made.id)).status).toBe(removed.status === 204 ? 404 : 200);
  }
});

const wrong: readonly [body: object, pointer: string][] = [
  [{ name: "" }, "/name"],
  [{ name: null }, "/name"],
  [{ name: "x".repeat(121) }, "/name"],
  [{ name: "Pier\u0000" }, "/name"],
  [{ timezone: "" }, "/timezone"],
  [{ timezone: "Mars/Olympus" }, "/timezone"],
  [{ timezone: "+01:00" }, "/timezone"],
  [{ timezone: "-0830" }, "/timezone"],
  [{ timezone: 1 }, "/timezone"],
  [{ id: newId("loc") }, "/id"],
  [{ tenantId: newId("ten") }, "/tenantId"],
  [{ version: 7 }, "/version"],
];

test("bad input is refused by the field's name and writes nothing", async () => {
  const tenant = await newTenant();
  const before = await written();
  for (const [body, pointer] of wrong) {
    for (const answer of [
      create(tenant, { ...pier, ...body }),
      change(tenant, tenant.locationIds[0], body),
    ]) {
      const { status, json } = await answer;
      expect([body, status, json.errors?.map(pointerOf)]).toEqual([body, 422, [pointer]]);
    }
  }
  expect((await create(tenant, {})).json.errors.map(pointerOf)).toEqual(["/name", "/timezone"]);
  expect(grown(before, await written())).toEqual({});
});

test("locations are listed newest first, page by page", async () => {
  const tenant = await newTenant();
  const made = await Promise.all(Array.from({ length: 5 }, () => create(tenant, pier)));
  const seen: string[][] = [];
  let cursor: string | null = null;
  do {
    const page: Answer = await ask(tenant, "locations.list", {
      query: { limit: "3", ...(cursor && { cursor }) },
    });
    seen.push(page.json.data.map(({ id }: { id: string }) => id));
    cursor = page.json.nextCursor;
  } while (cursor !== null);
  const newestFirst = [...tenant.locationIds, ...made.map(({ json }) => json.id)].toSorted().toReversed();
  expect(seen).toEqual([newestFirst.slice(0, 3), newestFirst.slice(3, 6), newestFirst.slice(6)]);
});

test("who may only read locations changes none", async () => {
  const tenant = await newTenant();
  const as = await memberToken(tenant, "viewer");
  const [locationId] = tenant.locationIds;
  expect((await ask(tenant, "locations.get", { as, params: { locationId } })).status).toBe(200);
  const before = await written();
  for (const [name, input] of [
    ["locations.create", { body: pier }],
    ["locations.update", { params: { locationId }, body: pier }],
    ["locations.remove", { params: { locationId } }],
  ] as const)
    expect([name, (await ask(tenant, name, { as, ...input })).status]).toEqual([name, 403]);
  expect(grown(before, await written())).toEqual({});
});

function ask(tenant: TestTenant, name: string, input: Parameters<typeof call>[1]): Promise<Answer> {
  return call(name, { tenant: tenant.slug, as: tenant.key, ...input });
}

function create(tenant: TestTenant, body: object): Promise<Answer> {
  return ask(tenant, "locations.create", { body });
}

function get(tenant: TestTenant, locationId: string): Promise<Answer> {
  return ask(tenant, "locations.get", { params: { locationId } });
}

function change(tenant: TestTenant, locationId: string, body: object): Promise<Answer> {
  return ask(tenant, "locations.update", { params: { locationId }, body });
}

function remove(tenant: TestTenant, locationId: string): Promise<Answer> {
  return ask(tenant, "locations.remove", { params: { locationId } });
}

function newKey(tenant: TestTenant, locationId: string): Promise<Answer> {
  const body = { name: "Till", scopes: ["orders:read"], locationIds: [locationId] };
  return ask(tenant, "api-keys.create", { body });
}

async function idsOf(tenant: TestTenant): Promise<string[]> {
  const { json } = await ask(tenant, "locations.list", { query: { limit: "100" } });
  return json.data.map(({ id }: { id: string }) => id);
}

async function eventsOf({ cell, tenantId }: TestTenant): Promise<string[]> {
  const text = "select type from events where tenant_id = ? and type like 'location.%' order by seq";
  return (await rowsOf<{ type: string }>(cell.database, text, tenantId)).map(({ type }) => type);
}

function added(counts: Record<string, number>): Record<string, number> {
  const entries = Object.entries({ commits: 1, ...counts });
  return Object.fromEntries(entries.map(([table, count]) => [`us1 ${table}`, count]));
}

function pointerOf({ pointer }: { pointer?: string }): string | undefined {
  return pointer;
}
