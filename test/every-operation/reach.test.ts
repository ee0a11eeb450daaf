import { beforeAll, expect, test } from "vitest";
import { allCapabilities, noCapabilities } from "#gate/capabilities.ts";
import { type Call, clientOf } from "#test/client.ts";
import { comparable } from "#test/comparable.ts";
import { absentLike, exampleOf, newOrderAt, tenantOperations } from "#test/examples.ts";
import { roleTable } from "#test/gate/role-table.ts";
import { newTenant, type Role, rowsOf, type TestTenant } from "#test/world.ts";
import { grown, written } from "#test/written.ts";
import { expectSuccess, memberOf, ownKeyOf, type Principal } from "./trial.ts";

const { call } = clientOf();

let tenant: TestTenant;
/** Where and whose each order is. */
const orders: Record<"hereMine" | "hereNobodys" | "thereMine" | "thereNobodys", string> = {
  hereMine: "",
  hereNobodys: "",
  thereMine: "",
  thereNobodys: "",
};
type OrderName = keyof typeof orders;

/** Who is limited, to what, and which orders that leaves. By hand. */
const limited: Readonly<
  Record<string, { role: Role | null; places: ("here" | "there")[]; sees: OrderName[] }>
> = {
  manager: { role: "manager", places: ["here"], sees: ["hereMine", "hereNobodys"] },
  staff: { role: "staff", places: ["here"], sees: ["hereMine", "hereNobodys"] },
  "installer of one location": { role: "installer", places: ["here"], sees: ["hereMine"] },
  "key of the other location": { role: null, places: ["there"], sees: ["thereMine", "thereNobodys"] },
  "key of both locations": {
    role: null,
    places: ["here", "there"],
    sees: Object.keys(orders) as OrderName[],
  },
};
const principals = new Map<string, Principal>();

beforeAll(async () => {
  tenant = await newTenant();
  const { memberIds, customerIds, locationIds } = tenant;
  const [here, there] = locationIds;
  const at = (locationId: string, assigneeId: string | null) =>
    newOrderAt(tenant, "draft", { locationId, assigneeId, customerId: customerIds[1] });
  orders.hereMine = await at(here, memberIds.installer);
  orders.hereNobodys = await at(here, null);
  orders.thereMine = await at(there, memberIds.installer);
  orders.thereNobodys = await at(there, null);
  await call("customers.create", { tenant: tenant.slug, as: tenant.key, body: { name: "Zebulon Pike" } });
  for (const orderId of Object.values(orders)) {
    const body = { name: "proof.pdf", mediaType: "application/pdf", orderId };
    const made = await call("files.create", { tenant: tenant.slug, as: tenant.key, body });
    expect(made.status, made.text).toBe(201);
  }
  // Everything may be done, so that only the reach is in the way.
  await changeMembers("grants = ? where tenant_id = ?", allCapabilities, tenant.tenantId);
  for (const [name, { role, places }] of Object.entries(limited))
    principals.set(name, role ? await memberOf(tenant, role) : await keyAt(places));
});

for (const [name, { sees }] of Object.entries(limited)) {
  test(`${name} finds its orders in every list, and no others`, async () => {
    const [here, there] = tenant.locationIds;
    const customer = { customerId: tenant.customerIds[1] ?? "" };
    expect(await listed(name, customer)).toEqual(idsOf(sees));
    const isHere = (order: OrderName) => order.startsWith("here");
    expect(await listed(name, { locationId: here })).toEqual(
      expect.arrayContaining(idsOf(sees.filter(isHere))),
    );
    expect(await listed(name, { locationId: there })).toEqual(idsOf(sees.filter((each) => !isHere(each))));
    for (const query of [{}, { status: "draft" }]) {
      const found = await listed(name, query);
      for (const order of Object.keys(orders) as OrderName[])
        expect(found.includes(orders[order]), `${order} in ${JSON.stringify(query)}`).toBe(
          sees.includes(order),
        );
    }
  });

  test(`${name} reads and changes its orders; the others are not there`, async () => {
    for (const order of Object.keys(orders) as OrderName[]) {
      const params = { orderId: orders[order] };
      const read = await ask(name, "orders.get", { params });
      const changed = await ask(name, "orders.update", { params, body: { dueAt: "2031-05-06T07:08:09Z" } });
      const expected = sees.includes(order) ? 200 : 404;
      expect([order, read.status, changed.status]).toEqual([order, expected, expected]);
    }
  });

  test(`${name} sees its own locations alone`, async () => {
    const places = limited[name]?.places ?? [];
    const { data } = (await ask(name, "locations.list", {})).json;
    expect(data.map(({ id }: { id: string }) => id).toSorted()).toEqual(
      tenant.locationIds.filter((_, index) => places.includes(index === 0 ? "here" : "there")).toSorted(),
    );
  });

  test(`${name} sees the audit of what is within its reach alone`, async () => {
    const { data } = (await ask(name, "audit.list", { query: { limit: "100" } })).json;
    const places = tenant.locationIds.filter((_, index) =>
      limited[name]?.places.includes(index === 0 ? "here" : "there"),
    );
    expect(data.length).toBeGreaterThan(0);
    for (const row of data) {
      expect(places).toContain(row.locationId);
      if (name.startsWith("installer")) expect(row.assigneeId).toBe(tenant.memberIds.installer);
    }
    for (const [order, entityId] of Object.entries(orders)) {
      const found = (await ask(name, "audit.list", { query: { entityId } })).json.data;
      expect(found.length > 0, order).toBe(sees.some((each) => each === order));
    }
  });
}

for (const [name, { sees }] of Object.entries(limited)) {
  test(`${name} pulls the events of what is within its reach alone`, async () => {
    const { data } = (await ask(name, "events.list", { query: { limit: "100" } })).json;
    const told = data.flatMap((event: { data: { orderId?: string } }) => event.data.orderId ?? []);
    for (const order of Object.keys(orders) as OrderName[])
      expect(told.includes(orders[order]), order).toBe(sees.includes(order));
    const places = tenant.locationIds.filter((_, index) =>
      limited[name]?.places.includes(index === 0 ? "here" : "there"),
    );
    for (const { locationId } of data) expect(places).toContain(locationId);
  });

  test(`${name} finds the files of its orders alone, and each customer, who buys at any place`, async () => {
    for (const order of Object.keys(orders) as OrderName[]) {
      const found = (await ask(name, "files.list", { query: { orderId: orders[order] } })).json;
      expect([order, found.data.length]).toEqual([order, sees.includes(order) ? 1 : 0]);
    }
    const { data } = (await ask(name, "customers.search", { body: { name: "Zebulon Pike" } })).json;
    expect(data.map((customer: { name: string }) => customer.name)).toEqual(["Zebulon Pike"]);
  });

  test(`${name} subscribes to nothing that is out of its reach`, async () => {
    const { body } = await exampleOf("webhook-endpoints.create").make(tenant);
    const answer = await ask(name, "webhook-endpoints.create", { body });
    // Whoever sees assigned work alone is told of none: what they see changes with each assignment.
    if (name.startsWith("installer")) return expect(answer.status, answer.text).toBe(403);
    expect(answer.status, answer.text).toBe(201);
    const [row] = await rowsOf<{ location_ids: string }>(
      tenant.cell.database,
      "select location_ids from webhook_endpoints where id = ?",
      answer.json.id,
    );
    const places = limited[name]?.places.map((place) => tenant.locationIds[place === "here" ? 0 : 1]);
    expect(JSON.parse(row?.location_ids ?? "").toSorted()).toEqual(places?.toSorted());
  });
}

for (const { name, operation } of tenantOperations) {
  if (!/\{(orderId|locationId|fileId)\}/.test(operation.path)) continue;

  for (const who of ["manager", "staff", "installer of one location", "key here"]) {
    test(`${name} out of the reach of ${who} is answered as if it were absent`, async () => {
      const principal = principals.get(who) ?? (await keyAt(["here"]));
      const input = await exampleOf(name).make(elsewhere());
      const before = await written();
      for (const [key, id] of Object.entries(input.params ?? {})) {
        if (!key.endsWith("Id")) continue;
        const absent = { ...input, params: { ...input.params, [key]: absentLike(id) } };
        const answers = [input, absent].map((each) => ({ tenant: tenant.slug, as: principal.as, ...each }));
        const [out, none] = [await call(name, answers[0]), await call(name, answers[1])];
        expect(out.status, out.text).toBe(404);
        expect(comparable(out)).toBe(comparable(none));
      }
      expect(grown(before, await written())).toEqual({});
    });

    test(`${name} within the reach of ${who} is done`, async () => {
      // A location made for the purpose is in nobody's reach but those of all.
      if (name === "locations.remove") return;
      const principal = principals.get(who) ?? (await keyAt(["here"]));
      const input = await exampleOf(name).make(tenant);
      expectSuccess(name, await call(name, { tenant: tenant.slug, as: principal.as, ...input }));
    });
  }
}

test("an assigned principal does not reach what is another's, at its own location", async () => {
  for (const { name, operation } of tenantOperations) {
    if (!/\{(orderId|fileId)\}/.test(operation.path)) continue;
    const { memberIds } = tenant;
    const theirs = { ...tenant, memberIds: { ...memberIds, installer: memberIds.designer } };
    const answer = await ask("installer of one location", name, await exampleOf(name).make(theirs));
    expect([name, answer.status]).toEqual([name, 404]);
  }
});

test("an order is drafted at a location within reach alone, and elsewhere refused as at an absent one", async () => {
  const { body } = await exampleOf("orders.create").make(tenant);
  for (const who of ["manager", "staff"]) {
    const before = await written();
    const at = (locationId: string) => ask(who, "orders.create", { body: { ...Object(body), locationId } });
    const [elsewhere, absent] = [
      await at(tenant.locationIds[1]),
      await at(absentLike(tenant.locationIds[1])),
    ];
    expect([elsewhere.status, elsewhere.json.errors?.[0]?.pointer]).toEqual([422, "/locationId"]);
    expect(comparable(elsewhere)).toBe(comparable(absent));
    expect(grown(before, await written())).toEqual({});
    expect((await at(tenant.locationIds[0])).status).toBe(201);
  }
});

test("who sees assigned work alone makes no order that is another's or nobody's", async () => {
  const who = "installer of one location";
  const { body } = await exampleOf("orders.create").make(tenant);
  const { installer, designer } = tenant.memberIds;
  const draft = (changes: object) => ask(who, "orders.create", { body: { ...Object(body), ...changes } });
  const before = await written();
  for (const assigneeId of [null, undefined]) {
    const refused = await draft({ assigneeId });
    expect([refused.status, refused.json.type, refused.json.errors]).toEqual([
      403,
      "/problems/forbidden",
      undefined,
    ]);
  }
  // Who sees assigned work alone sees no other member either.
  const others = await draft({ assigneeId: designer });
  expect([others.status, others.json.errors[0].pointer]).toEqual([422, "/assigneeId"]);
  // What is not there is told of first, so that a refusal says nothing of what lies out of reach.
  const absent = await draft({ assigneeId: null, locationId: absentLike(tenant.locationIds[0]) });
  expect([absent.status, absent.json.errors[0].pointer]).toEqual([422, "/locationId"]);
  const elsewhere = await draft({ locationId: tenant.locationIds[1] });
  expect([elsewhere.status, elsewhere.json.errors[0].pointer]).toEqual([422, "/locationId"]);
  expect(grown(before, await written())).toEqual({});
  expect((await draft({ assigneeId: installer })).status).toBe(201);
});

test("who is limited makes no location, and no key that reaches further", async () => {
  const name = "A key";
  const scopes = ["orders:read"];
  const [here, there] = tenant.locationIds;
  for (const who of ["manager", "staff", "key of the other location"]) {
    const before = await written();
    const location = await ask(who, "locations.create", { body: { name: "Pier", timezone: "UTC" } });
    expect(location.status, location.text).toBe(403);
    const foreign = who.startsWith("key") ? here : there;
    for (const locationIds of [undefined, [foreign], [here, there], [absentLike(there)]]) {
      const answer = await ask(who, "api-keys.create", { body: { name, scopes, locationIds } });
      expect([answer.status, answer.json.type]).toEqual([422, "/problems/scopes-exceed-creator"]);
    }
    // What they asked for beyond their own is kept.
    const kept = { "us1 audit_log": 4, "us1 commits": 4, "us1 counted": 4 };
    expect(grown(before, await written())).toEqual(kept);
  }
  const installers = await ask("installer of one location", "api-keys.create", {
    body: { name, scopes, locationIds: [here] },
  });
  expect(installers.status, "a key cannot be held to its creator's assignments").toBe(403);
});

test("who is limited to locations and has none sees nothing", async () => {
  const nowhere = await newTenant();
  await rowsOf(nowhere.cell.database, "delete from member_locations where tenant_id = ?", nowhere.tenantId);
  for (const role of ["manager", "staff", "installer"] as const) {
    const { as } = await memberOf(nowhere, role);
    const { json } = await call("orders.list", { tenant: nowhere.slug, as });
    expect(json).toEqual({ data: [], nextCursor: null });
    const read = await call("orders.get", { tenant: nowhere.slug, as, params: { orderId: nowhere.orderId } });
    expect(read.status).toBe(404);
  }
});

test("an installer of all locations finds what is assigned to them everywhere", async () => {
  const { memberIds, tenantId } = tenant;
  await changeMembers("all_locations = 1 where tenant_id = ? and id = ?", tenantId, memberIds.installer);
  await rowsOf(
    tenant.cell.database,
    "update tenant_state set epoch = epoch + 1 where tenant_id = ?",
    tenantId,
  );
  expect(await listed("installer of one location", { customerId: tenant.customerIds[1] ?? "" })).toEqual(
    idsOf(["hereMine", "thereMine"]),
  );
});

test("the roles that are limited hold what the table says when nothing is granted", async () => {
  await changeMembers("grants = ? where tenant_id = ?", noCapabilities, tenant.tenantId);
  await rowsOf(
    tenant.cell.database,
    "update tenant_state set epoch = epoch + 1 where tenant_id = ?",
    tenant.tenantId,
  );
  expect(roleTable.installer).not.toContain("orders:write");
  const { status } = await ask("installer of one location", "orders.place", {
    params: { orderId: orders.hereMine },
  });
  expect(status).toBe(403);
});

/** The tenant as examples see it who are to make things at the other location. */
function elsewhere(): TestTenant {
  const [here, there] = tenant.locationIds;
  return { ...tenant, locationIds: [there, here] };
}

async function ask(who: string, name: string, input: Call) {
  const principal = principals.get(who);
  if (!principal) throw new Error(`Nobody here is ${who}.`);
  return await call(name, { tenant: tenant.slug, as: principal.as, ...input });
}

async function listed(who: string, query: Record<string, string>): Promise<string[]> {
  const answer = await ask(who, "orders.list", { query: { limit: "100", ...query } });
  return answer.json.data.map(({ id }: { id: string }) => id).toSorted();
}

function idsOf(names: readonly OrderName[]): string[] {
  return names.map((name) => orders[name]).toSorted();
}

async function keyAt(places: readonly ("here" | "there")[]): Promise<Principal> {
  const locationIds = tenant.locationIds.filter((_, index) =>
    places.includes(index === 0 ? "here" : "there"),
  );
  const scopes = roleTable.owner;
  const created = await call("api-keys.create", {
    tenant: tenant.slug,
    as: ownKeyOf(tenant).as,
    body: { name: "Limited", scopes, locationIds },
  });
  expect(created.status, created.text).toBe(201);
  return { id: created.json.id, as: created.json.key };
}

async function changeMembers(change: string, ...values: unknown[]): Promise<void> {
  await rowsOf(tenant.cell.database, `update members set ${change}`, ...values);
}
