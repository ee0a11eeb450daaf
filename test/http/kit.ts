import { type Answer, clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { as, envWith, rowsOf, type Tap, type TestTenant, tapped } from "#test/world.ts";

const { call } = clientOf();

export const person = {
  name: "Wilhelmina Quartermain",
  email: "wilhelmina@quartermain.example",
  phone: "+44 20 7946 0123",
  note: "Allergic to turpentine.",
};

interface Create {
  readonly key?: string | undefined;
  readonly as?: string;
  readonly body?: object;
  readonly env?: ReturnType<typeof envWith>;
}

export function createCustomer(
  tenant: TestTenant,
  { key, as = tenant.key, body = person, env }: Create = {},
) {
  return call("customers.create", {
    tenant: tenant.slug,
    as,
    body,
    headers: keyed(key),
    ...(env && { env }),
  });
}

export function createOrder(
  tenant: TestTenant,
  { key, customerId = tenant.customerIds[0], env }: Create & { customerId?: string | undefined } = {},
) {
  const lines = [
    { description: "Banner", quantityThousandths: 2000, unitPrice: 4500 },
    { description: "Eyelets", quantityThousandths: 8000, unitPrice: 25 },
  ];
  return call("orders.create", {
    ...as(tenant),
    body: { customerId, locationId: tenant.locationIds[0], lines },
    headers: keyed(key),
    ...(env && { env }),
  });
}

export function keyed(key: string | undefined): Record<string, string> {
  return key === undefined ? {} : { "Idempotency-Key": key };
}

export function isReplay({ headers }: Answer): boolean {
  return headers.get("idempotency-replayed") === "true";
}

export function inParallel(count: number, one: (index: number) => Promise<Answer>): Promise<Answer[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => one(index)));
}

const tables = [
  "orders",
  "order_lines",
  "customers",
  "audit_log",
  "events",
  "idempotency",
  "commits",
  "subject_keys",
];

export async function countsOf(tenant: TestTenant): Promise<Record<string, number>> {
  const counts = await Promise.all(tables.map(async (table) => [table, await countOf(tenant, table)]));
  return Object.fromEntries(counts);
}

export async function countOf({ cell, tenantId }: TestTenant, table: string): Promise<number> {
  const [row] = await rowsOf<{ n: number }>(
    cell.database,
    `select count(*) as n from ${table} where tenant_id = ?`,
    tenantId,
  );
  return row?.n ?? -1;
}

export async function grownBy(tenant: TestTenant, before: Record<string, number>) {
  const after = await countsOf(tenant);
  return Object.fromEntries(tables.map((table) => [table, (after[table] ?? 0) - (before[table] ?? 0)]));
}

export function eventsOf({ cell, tenantId }: TestTenant, type: string) {
  return rowsOf(cell.database, "select * from events where tenant_id = ? and type = ?", tenantId, type);
}

export function tapEnv(tap: Tap) {
  return envWith({ CELL_US1: tapped(testEnv().CELL_US1 as D1Database, tap) });
}
