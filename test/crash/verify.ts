import { copyFromDeployment } from "#cli/verify-audit/deployment.ts";
import { verifyLog } from "#cli/verify-audit/verify.ts";
import type { Env } from "#platform/env.ts";
import type { Deployment } from "#test/bench/deployment.ts";
import type { Shop, Wish } from "./writers.ts";

type Rows = Record<string, unknown>[];

/** What must hold of the databases after all the kills. @returns every breach found, in words */
export async function breaches(env: Env, tenantId: string, wishes: readonly Wish[]): Promise<string[]> {
  const all = async (text: string): Promise<Rows> =>
    (await (env.CELL_US1 as D1Database).prepare(text).bind(tenantId).all()).results;
  const rows = [
    ...(await all("select id, 'customer' as kind from customers where tenant_id = ?")),
    ...(await all("select id, 'order' as kind from orders where tenant_id = ?")),
  ];
  const ids = new Set(rows.map((row) => String(row.id)));
  // What is known of a customer besides has the customer's id.
  const audited = counted(
    await all(
      "select entity_id as id from audit_log where tenant_id = ? and action = 'created' and entity in ('customer', 'order')",
    ),
  );
  const told = counted(
    await all(
      "select coalesce(data ->> 'orderId', data ->> 'customerId') as id from events where tenant_id = ? and type in ('order.created', 'customer.created')",
    ),
  );
  const lines = counted(await all("select order_id as id from order_lines where tenant_id = ?"));
  const wished = new Set(wishes.map((wish) => wish.id));
  const seeded = new Set(
    (await all("select entity_id as id from audit_log where tenant_id = ? and operation = 'cli.seed'")).map(
      (row) => String(row.id),
    ),
  );
  return [
    ...wishes
      .filter(({ id }) => id === null)
      .map(({ idempotencyKey }) => `the wish ${idempotencyKey} was never acknowledged`),
    ...wishes
      .filter(({ id }) => id !== null && !ids.has(id))
      .map(({ id }) => `${id} was acknowledged and is lost`),
    ...rows
      .filter(({ id }) => audited.get(String(id)) !== 1)
      .map(({ id }) => `${id} has ${audited.get(String(id)) ?? 0} audit rows of its making`),
    ...rows
      .filter(({ id }) => !seeded.has(String(id)) && told.get(String(id)) !== 1)
      .map(({ id }) => `${id} has ${told.get(String(id)) ?? 0} events of its making`),
    ...rows
      .filter(({ id }) => !seeded.has(String(id)) && !wished.has(String(id)))
      .map(({ id }) => `${id} was doubled: no wish was answered with it`),
    ...rows
      .filter(({ id, kind }) => kind === "order" && lines.get(String(id)) !== 2)
      .map(({ id }) => `${id} has not its two lines`),
    ...(wished.size === wishes.length ? [] : ["two wishes were answered with one id"]),
    ...gaps("order numbers", await all("select number as n from orders where tenant_id = ? order by number")),
    ...gaps("audit seq", await all("select seq as n from audit_log where tenant_id = ? order by seq")),
    ...gaps("event seq", await all("select seq as n from events where tenant_id = ? order by seq")),
  ];
}

/** What must hold of the tenant's log, whose writer was killed as often: a leaf for each row, in order, and each once. */
export async function logBreaches(
  deployment: Deployment,
  tenantId: string,
  { base, key }: Shop,
): Promise<{ leaves: number; faults: string[] }> {
  const { CELL_US1 } = await deployment.env();
  const state = (CELL_US1 as D1Database)
    .prepare("select value, logged from counters where tenant_id = ? and name = 'audit'")
    .bind(tenantId);
  for (let tries = 0; ; tries += 1) {
    await deployment.runCron();
    const row = await state.first<{ value: number; logged: number }>();
    if (row?.value === row?.logged) break;
    if (tries > 600) return { leaves: 0, faults: ["the audit's log does not come to its end"] };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const copy = await copyFromDeployment(base, key);
  const findings = await verifyLog(copy);
  return {
    leaves: copy.leaves.length,
    faults: [
      ...findings.flatMap(({ isFault, text }) => (isFault ? [text] : [])),
      ...(copy.leaves.length === copy.rows?.length ? [] : ["the log has not a leaf for each row"]),
    ],
  };
}

function counted(rows: Rows): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { id } of rows) counts.set(String(id), (counts.get(String(id)) ?? 0) + 1);
  return counts;
}

function gaps(what: string, rows: Rows): string[] {
  const wrong = rows.findIndex(({ n }, index) => n !== index + 1);
  return wrong === -1 ? [] : [`${what} has ${rows[wrong]?.n} where ${wrong + 1} should be`];
}
