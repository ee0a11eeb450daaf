import { runDurableObjectAlarm } from "cloudflare:test";
import { expect, test } from "vitest";
import { SealError } from "#crypto/envelope.ts";
import { systemSession } from "#db/open-tenant.ts";
import { keptTables } from "#db/protection.ts";
import type { Keeping } from "#db/technical-columns.ts";
import { isTenantTable } from "#db/tenant-table.ts";
import { openText, rememberKey } from "#db/webhooks/sealing.ts";
import { secondMs } from "#lib/time.ts";
import { gateOf } from "#platform/gates.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { keyed, person } from "#test/http/kit.ts";
import { endpointAt, failing, only } from "#test/jobs/webhooks/kit.ts";
import { Simulation } from "#test/simulation.ts";
import { as, newTenant, rowsOf, type TestTenant } from "#test/world.ts";

// What moved-ciphertexts.test.ts is for entities, for the tables that no tenantTable() declares.

/** One row of ours, by SQL, and the way by which the house opens what lies there: the text, or an error. */
interface Home {
  readonly where: string;
  readonly read: () => Promise<string>;
}

const { call } = clientOf();
const sealedKeepings: readonly Keeping[] = ["person", "tenant", "person-or-tenant", "kek", "person-or-plain"];

let us: TestTenant;

test("each sealed column of a technical table opens at home, and an envelope of any other place is an error that is noted", async () => {
  const neighbour = await newTenant();
  us = await newTenant();
  const sim = await Simulation.begin();
  const { ask } = await told(sim, us);
  await told(sim, neighbour);
  for (const tenant of [us, neighbour]) {
    await created(tenant);
    // From where it came, as its gate tells the cell.
    await runDurableObjectAlarm(gateOf(testEnv(), tenant.cell, tenant.keyId));
  }
  await sim.run(10 * secondMs);
  const { id: deliveryId } = await only(ask);
  // What stands in the audit can be moved only where nothing keeps it in its place.
  await us.cell.database.exec("drop trigger audit_log_refuses_update");
  const homes = await homesOf(us, async () => {
    const { status, text, json } = await ask("delivery", { params: { deliveryId } });
    return status === 200 ? json.attempts[0].excerpt : failed(status, text);
  });
  const columns = sealedColumns().filter(isTechnical);
  expect(columns.map(nameOf).toSorted(), "each is read here").toEqual(Object.keys(homes).toSorted());
  const donors = (await Promise.all([us, neighbour].map(sealedOf))).flat();
  const problems: string[] = [];
  for (const column of columns) {
    const name = nameOf(column);
    const { where, read } = homes[name] ?? missing(name);
    const at = `where tenant_id = '${us.tenantId}' and ${where}`;
    const own = await ownOf(column, at);
    const plain = await read();
    expect(plain, name).toMatch(/./);
    const others = donors.filter(({ envelope }) => envelope !== own);
    expect(new Set(others.map(({ from }) => from)).size, "columns").toBeGreaterThan(10);
    expect(
      others.some(({ from, tenantId }) => from === name && tenantId === neighbour.tenantId),
      name,
    ).toBe(true);
    for (const { from, tenantId, envelope } of others) {
      const before = await put(column, at, envelope);
      const outcome = await read().catch((error: unknown) => error);
      const what = `${name} with ${from} of ${tenantId === us.tenantId ? "ours" : "our neighbour"}`;
      if (!(outcome instanceof Error)) problems.push(`${what}: ${JSON.stringify(outcome)}`);
      else if (outcome instanceof SealError && outcome.address === null) problems.push(`${what}: no address`);
      else if (!(outcome instanceof SealError) && (await notesOf(column)) !== before + 1)
        problems.push(`${what}: no note`);
    }
    await put(column, at, own);
    expect(await read(), name).toBe(plain);
  }
  expect(problems).toEqual([]);
});

interface SealedColumn {
  readonly table: string;
  readonly column: string;
}

/** Of every table of a cell, by the registry. */
function sealedColumns(): SealedColumn[] {
  return keptTables()
    .filter(({ database }) => database === "cell")
    .flatMap(({ name, columns }) =>
      Object.entries(columns)
        .filter(([, keeping]) => sealedKeepings.includes(keeping))
        .map(([column]) => ({ table: name, column })),
    );
}

function isTechnical({ table }: SealedColumn): boolean {
  return !isTenantTable(table);
}

function nameOf({ table, column }: SealedColumn): string {
  return `${table}.${column}`;
}

/** Two of each sealed column, where there are two. */
async function sealedOf({ cell, tenantId }: TestTenant) {
  const found = sealedColumns().map(async (column) => {
    const rows = await rowsOf<{ envelope: string }>(
      cell.database,
      `select "${column.column}" as envelope from "${column.table}" where tenant_id = ? and "${column.column}" like 'v1.%' limit 2`,
      tenantId,
    );
    return rows.map(({ envelope }) => ({ from: nameOf(column), tenantId, envelope }));
  });
  return (await Promise.all(found)).flat();
}

/** Where each lies and who opens it, by hand. */
async function homesOf(tenant: TestTenant, excerpt: () => Promise<string>): Promise<Record<string, Home>> {
  const { cell, tenantId } = tenant;
  const { id: customerId } = (await created(tenant)).json;
  const get = async () => {
    const { status, text } = await call("customers.get", { ...as(tenant), params: { customerId } });
    return status === 200 ? text : failed(status, text);
  };
  const newest = `id = (select max(id) from webhook_attempts where tenant_id = '${tenantId}')`;
  return {
    "tenant_keys.wrapped": {
      where: "true",
      async read() {
        // It would go on with the keys that it has read.
        await gateOf(testEnv(), cell, tenant.keyId).forget();
        return await get();
      },
    },
    "subject_keys.wrapped": { where: `subject_id = '${customerId}'`, read: get },
    "idempotency.answer": {
      where: "operation = 'customers.create'",
      async read() {
        const { status, text } = await created(tenant);
        return status === 201 ? text : failed(status, text);
      },
    },
    "audit_log.caller": {
      where: "operation = 'customers.create'",
      async read() {
        const query = { operation: "customers.create" };
        const { status, text, json } = await call("audit.list", { ...as(tenant), query });
        return status === 200 ? json.data[0].userAgent : failed(status, text);
      },
    },
    "last_uses.origin": {
      where: `principal_id = '${tenant.keyId}'`,
      async read() {
        const asked = { ...as(tenant), params: { apiKeyId: tenant.keyId } };
        const { status, text, json } = await call("api-keys.get", asked);
        return status === 200 ? json.lastUsedIp : failed(status, text);
      },
    },
    "webhook_attempts.excerpt": { where: newest, read: excerpt },
    "webhook_bodies.body": {
      where: "true",
      async read() {
        const session = await systemSession(testEnv(), cell.database, tenantId);
        const [row] = await rowsOf<{ body: string; seq: number; subjectId: string | null }>(
          cell.database,
          "select body, event_seq as seq, subject_id as subjectId from webhook_bodies where tenant_id = ?",
          tenantId,
        );
        if (!row) throw new Error("No body is kept.");
        await rememberKey(session.keys, { ...row, kid: null, wrapped: null });
        const place = { table: "webhook_bodies", column: "body", row: String(row.seq) } as const;
        return (await openText(session.keys, place, row.subjectId, row.body)) ?? "null";
      },
    },
  };
}

/** One body, and one try of it with an excerpt of what was answered. */
async function told(sim: Simulation, tenant: TestTenant) {
  const endpoint = await endpointAt(sim, tenant, `${tenant.slug}.example`, ["order.placed"], failing);
  await call("orders.place", { ...as(tenant), env: sim.env, params: { orderId: tenant.orderId } });
  return endpoint;
}

/** By one key: its record holds the answer, and the next time is a replay. */
function created(tenant: TestTenant): Promise<Answer> {
  const headers = { ...keyed("moved"), "User-Agent": "Mover", "CF-Connecting-IP": "198.51.100.9" };
  return call("customers.create", { ...as(tenant), headers, body: { ...person } });
}

function failed(status: number, text: string): never {
  throw new Error(`${status} ${text}`);
}

function missing(name: string): never {
  throw new Error(`Nothing says how ${name} is read.`);
}

async function ownOf({ table, column }: SealedColumn, at: string): Promise<string> {
  const rows = await rowsOf<{ envelope: string }>(
    us.cell.database,
    `select "${column}" as envelope from "${table}" ${at}`,
  );
  if (rows.length !== 1) throw new Error(`${rows.length} rows of ours hold ${table}.${column}.`);
  return rows[0]?.envelope ?? "";
}

/** How often the column was told of until now; the next time counts, though it be within the hour. */
async function put(column: SealedColumn, at: string, envelope: string): Promise<number> {
  const { database } = us.cell;
  const forget = "delete from idempotency where tenant_id = ? and operation = 'vault.open'";
  await rowsOf(database, forget, us.tenantId);
  await rowsOf(database, `update "${column.table}" set "${column.column}" = ? ${at}`, envelope);
  return await notesOf(column);
}

async function notesOf({ table, column }: SealedColumn): Promise<number> {
  const [row] = await rowsOf<{ count: number }>(
    us.cell.database,
    "select count(*) as count from audit_log where tenant_id = ? and operation = 'vault.open' and row ->> 'table' = ? and row ->> 'column' = ?",
    us.tenantId,
    table,
    column,
  );
  return row?.count ?? 0;
}
