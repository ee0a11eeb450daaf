import { expect, test } from "vitest";
import { maskOf } from "#gate/capabilities.ts";
import { newId } from "#platform/ids.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { changeMember } from "#test/gate/kit.ts";
import { as, memberToken, newTenant, rowsOf, type TestTenant } from "#test/world.ts";
import { grown, written } from "#test/written.ts";

const { call } = clientOf();

const banner = {
  description: "Banner, per metre",
  quantityThousandths: 2500,
  unitPrice: 1999,
  taxBasisPoints: 2300,
};
const fitting = { description: "Fitting", quantityThousandths: 333, unitPrice: 100 };

test("an order's totals are computed by us, line by line, in the tenant's currency", async () => {
  const [signs, cafe] = [await newTenant("signs"), await newTenant("cafe")];
  const made = await create(signs, { lines: [banner, fitting] });
  expect([made.status, made.headers.get("etag")]).toEqual([201, '"1"']);
  expect(made.json).toMatchObject({
    number: 2,
    status: "draft",
    currency: "USD",
    // 2.5 × 19.99 = 49.975, rounded up; 23 % of 49.98 = 11.4954; a third of a dollar without tax.
    net: 5031,
    tax: 1150,
    total: 6181,
    dueAt: null,
    placedAt: null,
    assigneeId: null,
    lines: [
      { ...banner, net: 4998, tax: 1150 },
      { ...fitting, taxBasisPoints: 0, net: 33, tax: 0 },
    ],
  });
  expect((await get(signs, made.json.id)).text).toBe(made.text);
  expect((await create(cafe)).json.currency).toBe("EUR");
});

const wrong: [body: object, pointer: string][] = [
  [{ lines: [] }, "/lines"],
  [{ lines: Array(51).fill(banner) }, "/lines"],
  [{ lines: [{ ...banner, quantityThousandths: 0 }] }, "/lines/0/quantityThousandths"],
  [{ lines: [banner, { ...banner, quantityThousandths: 1.5 }] }, "/lines/1/quantityThousandths"],
  [{ lines: [{ ...banner, unitPrice: -1 }] }, "/lines/0/unitPrice"],
  [{ lines: [{ ...banner, unitPrice: "19.99" }] }, "/lines/0/unitPrice"],
  [{ lines: [{ ...banner, unitPrice: 1_000_000_001 }] }, "/lines/0/unitPrice"],
  [{ lines: [{ ...banner, taxBasisPoints: 10_001 }] }, "/lines/0/taxBasisPoints"],
  [{ lines: [{ ...banner, net: 1 }] }, "/lines/0/net"],
  [{ lines: [{ ...banner, description: " " }] }, "/lines/0/description"],
  [{ lines: Array(2).fill({ ...banner, quantityThousandths: 1e9, unitPrice: 1e6 }) }, "/lines"],
  [{ dueAt: "tomorrow" }, "/dueAt"],
  [{ dueAt: "2027-01-01T00:00:00+02:00" }, "/dueAt"],
  [{ customerId: "cus_1" }, "/customerId"],
  [{ locationId: null }, "/locationId"],
  [{ number: 7 }, "/number"],
  [{ status: "placed" }, "/status"],
  [{ total: 1 }, "/total"],
  [{ currency: "EUR" }, "/currency"],
  [{ tenantId: "ten_01jd7v9s3kf8x9q2m5n6p7r8t9" }, "/tenantId"],
];

test("bad input is refused by the field's name and writes nothing", async () => {
  const tenant = await newTenant();
  const draft = await get(tenant, tenant.orderId);
  const before = await written();
  for (const [body, pointer] of wrong) {
    const answers = [await create(tenant, body), await change(tenant, tenant.orderId, body)];
    for (const { status, json } of answers)
      expect([body, status, json.errors?.map(pointerOf)]).toEqual([body, 422, [pointer]]);
  }
  expect(grown(before, await written())).toEqual({});
  expect((await get(tenant, tenant.orderId)).text).toBe(draft.text);
});

test("an order comes to a million million minor units at most, tax included", async () => {
  const tenant = await newTenant();
  const most = { ...banner, quantityThousandths: 1_000_000_000, unitPrice: 1_000_000, taxBasisPoints: 0 };
  const cent = { ...banner, quantityThousandths: 1000, unitPrice: 1, taxBasisPoints: 0 };
  const made = await create(tenant, { lines: [most] });
  expect([made.status, made.json.total]).toEqual([201, 1_000_000_000_000]);
  expect((await get(tenant, made.json.id)).json.lines).toMatchObject([{ net: 1_000_000_000_000 }]);
  const before = await written();
  for (const lines of [[most, cent], [{ ...most, taxBasisPoints: 1 }], Array(50).fill(most)]) {
    for (const { status, json } of [
      await create(tenant, { lines }),
      await change(tenant, made.json.id, { lines }),
    ])
      expect([status, json.errors.map(pointerOf)]).toEqual([422, ["/lines"]]);
  }
  expect(grown(before, await written())).toEqual({});
});

test("an order refers to a customer, place and member of its own tenant, present and active", async () => {
  const [tenant, other] = [await newTenant(), await newTenant()];
  const [deleted = "", present = ""] = tenant.customerIds;
  await call("customers.remove", { ...as(tenant), params: { customerId: deleted } });
  await tenant.cell.database
    .prepare("update members set state = 'suspended' where tenant_id = ? and id = ?")
    .bind(tenant.tenantId, tenant.memberIds.viewer)
    .run();
  const before = await written();
  const references: [field: string, ids: (string | undefined)[]][] = [
    ["customerId", [newId("cus"), other.customerIds[0], deleted]],
    ["locationId", [newId("loc"), other.locationIds[0]]],
    ["assigneeId", [newId("mbr"), other.memberIds.sales, tenant.memberIds.viewer]],
  ];
  for (const [field, ids] of references) {
    const answers = await Promise.all(ids.map((id) => create(tenant, { customerId: present, [field]: id })));
    for (const { status, json } of answers)
      expect([status, json.type, json.errors.map(pointerOf)]).toEqual([
        422,
        "/problems/invalid",
        [`/${field}`],
      ]);
    expect(new Set(answers.map(({ text, json }) => text.replace(json.requestId, ""))).size).toBe(1);
  }
  for (const assigneeId of [newId("mbr"), other.memberIds.sales, tenant.memberIds.viewer]) {
    const patched = await change(tenant, tenant.orderId, { assigneeId, dueAt: null });
    expect([patched.status, patched.json.errors.map(pointerOf)]).toEqual([422, ["/assigneeId"]]);
  }
  expect(grown(before, await written())).toEqual({});
  expect((await create(tenant, { customerId: present })).json.number).toBe(2);
  // What was ordered before stands, and goes on.
  expect((await move(tenant, tenant.orderId, "place")).json.customerId).toBe(deleted);
});

// Written by hand: what each verb makes of each status; whatever is absent is refused.
const verbs = ["place", "start", "finish", "complete", "cancel"] as const;
type Verb = (typeof verbs)[number];
const machine: Readonly<Record<string, Partial<Record<Verb, string>>>> = {
  draft: { place: "placed", cancel: "cancelled" },
  placed: { start: "in_production", cancel: "cancelled" },
  in_production: { finish: "ready", cancel: "cancelled" },
  ready: { complete: "completed", cancel: "cancelled" },
  completed: {},
  cancelled: {},
};
const wayTo: Readonly<Record<string, readonly Verb[]>> = {
  draft: [],
  placed: ["place"],
  in_production: ["place", "start"],
  ready: ["place", "start", "finish"],
  completed: ["place", "start", "finish", "complete"],
  cancelled: ["cancel"],
};

for (const [status, next] of Object.entries(machine)) {
  test(`an order that is ${status} goes to ${Object.values(next).join(" or ") || "nothing more"}`, async () => {
    const tenant = await newTenant();
    for (const verb of verbs) {
      const { json: made } = await create(tenant);
      for (const step of wayTo[status] ?? []) expect((await move(tenant, made.id, step)).status).toBe(200);
      const before = await get(tenant, made.id);
      expect(before.json.status).toBe(status);
      const rows = await written();
      const moved = await move(tenant, made.id, verb);
      const target = next[verb];
      if (target === undefined) {
        expect([verb, moved.status, moved.json.type]).toEqual([
          verb,
          409,
          "/problems/transition-not-allowed",
        ]);
        expect((await get(tenant, made.id)).text).toBe(before.text);
      } else {
        expect([verb, moved.status, moved.json.status]).toEqual([verb, 200, target]);
        expect((await get(tenant, made.id)).text).toBe(moved.text);
        expect(moved.json.version).toBe(before.json.version + 1);
      }
      expect(grown(rows, await written())).toEqual(
        target === undefined
          ? {}
          : { "us1 audit_log": 1, "us1 events": 1, "us1 commits": 1, "us1 counted": 2 },
      );
    }
  });
}

test("each step tells of itself, and placing alone says when it was placed", async () => {
  const tenant = await newTenant();
  const { json: made } = await create(tenant, { assigneeId: tenant.memberIds.designer });
  const placed = await move(tenant, made.id, "place");
  expect(placed.json.placedAt).toBe(placed.json.updatedAt);
  for (const verb of ["start", "finish", "complete"] as const) {
    const moved = await move(tenant, made.id, verb);
    expect(moved.json).toMatchObject({
      placedAt: placed.json.placedAt,
      total: made.total,
      lines: made.lines,
    });
  }
  const events = await rowsOf<{ type: string; data: string; location_id: string; assignee_id: string }>(
    tenant.cell.database,
    "select * from events where tenant_id = ? and type like 'order.%' order by seq",
    tenant.tenantId,
  );
  expect(events.map(({ type }) => type)).toEqual([
    "order.created",
    "order.placed",
    "order.in_production",
    "order.ready",
    "order.completed",
  ]);
  for (const event of events) {
    expect(event).toMatchObject({
      location_id: tenant.locationIds[0],
      assignee_id: tenant.memberIds.designer,
    });
    expect(JSON.parse(event.data)).toMatchObject({ orderId: made.id, total: made.total, currency: "USD" });
  }
  const audit = await rowsOf<{ operation: string; row: string; changed: string | null }>(
    tenant.cell.database,
    "select operation, row, changed from audit_log where tenant_id = ? and entity_id = ? order by seq",
    tenant.tenantId,
    made.id,
  );
  expect(audit.map(({ operation, row, changed }) => [operation, JSON.parse(row).status, changed])).toEqual([
    ["orders.create", "draft", null],
    ["orders.place", "placed", '["status","placedAt"]'],
    ["orders.start", "in_production", '["status"]'],
    ["orders.finish", "ready", '["status"]'],
    ["orders.complete", "completed", '["status"]'],
  ]);
});

test("of two parallel steps from one status one happens", async () => {
  const tenant = await newTenant();
  for (let round = 0; round < 5; round += 1) {
    const { json: made } = await create(tenant);
    await move(tenant, made.id, "place");
    const [started, placed] = await Promise.all([
      move(tenant, made.id, "start"),
      move(tenant, made.id, "start"),
    ]);
    expect([started.status, placed.status].sort()).toEqual([200, 409]);
    expect((await get(tenant, made.id)).json).toMatchObject({ status: "in_production", version: 3 });
  }
});

test("a draft's lines are replaced whole, with their totals", async () => {
  const tenant = await newTenant();
  const { json: made } = await create(tenant, { lines: [banner, fitting] });
  const changed = await change(tenant, made.id, { lines: [fitting, banner, fitting] });
  expect(changed.json).toMatchObject({ version: 2, net: 5064, tax: 1150, total: 6214 });
  expect(changed.json.lines.map(({ description }: { description: string }) => description)).toEqual([
    "Fitting",
    "Banner, per metre",
    "Fitting",
  ]);
  expect((await get(tenant, made.id)).text).toBe(changed.text);
  const rows = await rowsOf<{ id: string }>(
    tenant.cell.database,
    "select id from order_lines where tenant_id = ? and order_id = ? order by position",
    tenant.tenantId,
    made.id,
  );
  expect(rows.map(({ id }) => id)).toEqual(changed.json.lines.map(({ id }: { id: string }) => id));
  for (const { id } of made.lines) expect(rows).not.toContainEqual({ id });
});

test("as many lines as an order may have are replaced in one go", async () => {
  const tenant = await newTenant();
  const fifty = Array(50).fill(fitting);
  const { json: made } = await create(tenant, { lines: fifty });
  expect([made.lines.length, made.total]).toEqual([50, 1650]);
  const changed = await change(tenant, made.id, { lines: fifty.with(49, banner) });
  expect([changed.status, changed.json.lines.length, changed.json.total]).toEqual([200, 50, 49 * 33 + 6148]);
  expect(await countOf(tenant, "order_lines")).toBe(52);
});

test("what is left out of a change stays, and null clears it", async () => {
  const tenant = await newTenant();
  const { json: made } = await create(tenant, {
    dueAt: "2027-05-01T08:00:00Z",
    assigneeId: tenant.memberIds.designer,
  });
  expect(made.dueAt).toBe("2027-05-01T08:00:00.000Z");
  const first = await change(tenant, made.id, { dueAt: "2027-05-02T08:00:00.5Z" });
  expect(first.json).toMatchObject({
    dueAt: "2027-05-02T08:00:00.500Z",
    assigneeId: tenant.memberIds.designer,
    lines: made.lines,
  });
  const second = await change(tenant, made.id, { dueAt: null, assigneeId: null });
  expect(second.json).toMatchObject({ dueAt: null, assigneeId: null, total: made.total, version: 3 });
});

test("who sees assigned work alone changes its lines, and gives it to nobody else", async () => {
  const tenant = await newTenant();
  await changeMember(tenant, tenant.memberIds.installer, { grants: maskOf(["orders:write"]) });
  const as = await memberToken(tenant, "installer");
  const params = { orderId: tenant.orderId };
  const ask = (body: object) => call("orders.update", { tenant: tenant.slug, as, params, body });
  for (const assigneeId of [tenant.memberIds.staff, null]) {
    const refused = await ask({ assigneeId, lines: [fitting] });
    expect([refused.status, refused.json.type]).toEqual([403, "/problems/forbidden"]);
  }
  const kept = await ask({ assigneeId: tenant.memberIds.installer, lines: [fitting] });
  expect([kept.status, kept.json.lines.length]).toEqual([200, 1]);
});

test("once placed, an order's lines and due date stand; who does the work may change until the end", async () => {
  const tenant = await newTenant();
  const { json: made } = await create(tenant);
  await move(tenant, made.id, "place");
  for (const body of [{ lines: [fitting] }, { dueAt: null }, { lines: [fitting], assigneeId: null }]) {
    const refused = await change(tenant, made.id, body);
    expect([refused.status, refused.json.type]).toEqual([409, "/problems/order-not-editable"]);
  }
  const assigned = await change(tenant, made.id, { assigneeId: tenant.memberIds.installer });
  expect(assigned.json).toMatchObject({ assigneeId: tenant.memberIds.installer, lines: made.lines });
  for (const field of ["customerId", "locationId", "status", "number"]) {
    const refused = await change(tenant, made.id, { [field]: made[field] });
    expect([refused.status, refused.json.errors.map(pointerOf)]).toEqual([422, [`/${field}`]]);
  }
});

test("orders are listed newest first by status, customer or location, one filter at a time", async () => {
  const tenant = await newTenant();
  const [, there] = tenant.locationIds;
  const [, second] = tenant.customerIds;
  const plain = (await create(tenant)).json.id;
  const elsewhere = (await create(tenant, { locationId: there })).json.id;
  const theirs = (await create(tenant, { customerId: second })).json.id;
  await move(tenant, plain, "place");
  const ids = async (query: Record<string, string>) =>
    (await list(tenant, query)).json.data.map(({ id }: { id: string }) => id);
  const newestFirst = [plain, elsewhere, theirs, tenant.orderId].sort().reverse();
  expect(await ids({})).toEqual(newestFirst);
  expect(await ids({ status: "placed" })).toEqual([plain]);
  expect(await ids({ status: "ready" })).toEqual([]);
  expect(await ids({ locationId: there })).toEqual([elsewhere]);
  expect(await ids({ customerId: second ?? "" })).toEqual([theirs]);
  expect(await ids({ customerId: newId("cus") })).toEqual([]);
  for (const [query, parameter] of [
    [{ status: "placed", locationId: there }, "locationId"],
    [{ locationId: there, customerId: newId("cus") }, "locationId"],
    [{ status: "lost" }, "status"],
    [{ customerId: "me" }, "customerId"],
    [{ sort: "total" }, "sort"],
    [{ limit: "101" }, "limit"],
  ] as const) {
    const { status, json } = await list(tenant, query);
    expect([query, status, json.errors]).toMatchObject([query, 422, [{ parameter }]]);
  }
  const { json } = await list(tenant);
  expect(json.data[0]).not.toHaveProperty("lines");
});

test("filtered lists are paged whole, whatever is added meanwhile, and a cursor serves its filter alone", async () => {
  const [tenant, other] = [await newTenant(), await newTenant()];
  const made = await Promise.all(Array.from({ length: 7 }, () => create(tenant)));
  const expected = [tenant.orderId, ...made.map(({ json }) => json.id)].sort().reverse();
  const filters: Record<string, string>[] = [
    {},
    { status: "draft" },
    { customerId: tenant.customerIds[0] ?? "" },
    { locationId: tenant.locationIds[0] },
  ];
  const latecomers: string[] = [];
  for (const filter of filters) {
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Answer = await list(tenant, { ...filter, limit: "3", ...(cursor && { cursor }) });
      seen.push(...page.json.data.map(({ id }: { id: string }) => id));
      cursor = page.json.nextCursor;
      if (cursor === null) continue;
      const held = cursor;
      const elsewhere = [
        ...filters.filter((each) => each !== filter).map((each) => list(tenant, { ...each, cursor: held })),
        list(tenant, { status: "placed", cursor }),
        list(other, { ...filter, cursor }),
      ];
      for (const { status, json } of await Promise.all(elsewhere))
        expect([status, json.errors[0].parameter]).toEqual([422, "cursor"]);
      latecomers.push((await create(tenant)).json.id);
    } while (cursor !== null);
    expect(seen.filter((id) => !latecomers.includes(id))).toEqual(expected);
    expect(new Set(seen).size).toBe(seen.length);
  }
});

function create(tenant: TestTenant, changes: object = {}): Promise<Answer> {
  const body = {
    customerId: tenant.customerIds[0],
    locationId: tenant.locationIds[0],
    lines: [banner],
    ...changes,
  };
  return call("orders.create", { ...as(tenant), body });
}

function get(tenant: TestTenant, orderId: string): Promise<Answer> {
  return call("orders.get", { ...as(tenant), params: { orderId } });
}

function change(tenant: TestTenant, orderId: string, body: object): Promise<Answer> {
  return call("orders.update", { ...as(tenant), params: { orderId }, body });
}

function move(tenant: TestTenant, orderId: string, verb: Verb): Promise<Answer> {
  return call(`orders.${verb}`, { ...as(tenant), params: { orderId } });
}

function list(tenant: TestTenant, query: Record<string, string> = {}): Promise<Answer> {
  return call("orders.list", { ...as(tenant), query });
}

async function countOf({ cell, tenantId }: TestTenant, table: string): Promise<number> {
  const text = `select count(*) as n from ${table} where tenant_id = ?`;
  const [row] = await rowsOf<{ n: number }>(cell.database, text, tenantId);
  return row?.n ?? -1;
}

function pointerOf({ pointer }: { pointer?: string }): string | undefined {
  return pointer;
}
