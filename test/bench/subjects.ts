import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { businesses } from "#cli/businesses.ts";
import { mintDemoKey, type Seeded, seedTenant } from "#cli/seed.ts";
import { withNewPassword } from "#cli/seed-password.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { bundle, type Deployment, deploy } from "./deployment.ts";
import type { Call } from "./load.ts";
import { statementsOf } from "./statements.ts";

// The two that are compared: Keyline, and a bare Worker with the same bindings that does the same trips.

/** One scenario's calls on one deployment. */
export type Calls = Readonly<Record<Scenario, () => Call>>;
export const scenarios = ["gate", "read", "write", "sign-in"] as const;
export type Scenario = (typeof scenarios)[number];

export interface Subject {
  readonly deployment: Deployment;
  readonly calls: Calls;
  /** How many requests were answered so far. */
  sent: number;
}

interface Client extends Pick<Seeded, "tenantId" | "orderId"> {
  readonly slug: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly order: string;
  /** JSON of the address and password of somebody who is a member. */
  readonly person: string;
}

const tenantCount = 8;
const keysPerTenant = 8;
/** One Enterprise key may do 167 requests a second. */
export const keyCount = tenantCount * keysPerTenant;

export async function startSubjects(prelude: string) {
  const keyline = await deploy(await bundle(), { prelude });
  const clients = await seedClients(keyline);
  const [first] = clients;
  if (!first) throw new Error("No clients were seeded.");
  const statements = await statementsOf(await keyline.env(), callsOf(clients).write());
  const bare = await deploy(await bareBundle(), { prelude });
  await seedBare(keyline, bare);
  return {
    statements,
    // The call whose statements were counted is in the call log as well.
    keyline: { deployment: keyline, calls: callsOf(clients), sent: 1 },
    bare: { deployment: bare, calls: bareCallsOf(clients, statements), sent: 0 },
  };
}

export async function seedClients(keyline: Deployment): Promise<Client[]> {
  const env = await keyline.env();
  const now = Date.now();
  await ensureDirectoryKeys(env, now);
  const clients: Client[] = [];
  for (let index = 0; index < tenantCount; index += 1) {
    const business = { ...businesses[1], slug: `northside-signs-${index}` };
    const seeded = await seedTenant(env, business, now);
    if (!seeded) throw new Error("The state of an earlier run is still there.");
    const { cell, tenantId, orderId, customerIds, locationIds, memberIds } = seeded;
    const order = JSON.stringify({
      customerId: customerIds[0],
      locationId: locationIds[0],
      lines: business.work,
    });
    const person = await personOf(env, tenantId, now);
    for (let key = 0; key < keysPerTenant; key += 1) {
      const minted = await mintDemoKey(env, cell, tenantId, memberIds.owner, now);
      const headers = {
        Authorization: `Bearer ${minted.key}`,
        "User-Agent": "keyline-bench/1",
        // Otherwise all of them would share the limit of one address.
        "CF-Connecting-IP": `198.51.100.${clients.length + 1}`,
      };
      clients.push({ slug: business.slug, tenantId, orderId, order, person, headers });
    }
  }
  return clients;
}

async function personOf(env: Env, tenantId: string, now: number): Promise<string> {
  const row = await env.DIRECTORY.prepare(
    "select user_id from memberships where member_tenant_id = ? order by id limit 1",
  )
    .bind(tenantId)
    .first<{ user_id: string }>();
  const { ownerEmail: email, ownerPassword: password } = await withNewPassword(env, row?.user_id ?? "", now);
  return JSON.stringify({ email, password });
}

export function callsOf(clients: readonly Client[]): Calls {
  return {
    gate: inTurn(clients, ({ slug, headers }) => ({
      method: "GET",
      path: `/v1/tenants/${slug}/ping`,
      headers,
    })),
    read: inTurn(clients, ({ slug, orderId, headers }) => ({
      method: "GET",
      path: `/v1/tenants/${slug}/orders/${orderId}`,
      headers,
    })),
    write: inTurn(clients, ({ slug, order, headers }) => ({
      method: "POST",
      path: `/v1/tenants/${slug}/orders`,
      headers: { ...headers, "Idempotency-Key": newId("bench") },
      body: order,
    })),
    "sign-in": inTurn(clients, ({ headers: { Authorization: _, ...headers }, person }) => ({
      method: "POST",
      path: "/v1/sign-in",
      headers,
      body: person,
    })),
  };
}

/** The same headers and bodies, so that what is sent and received costs both the same. */
export function bareCallsOf(clients: readonly Client[], statements: number): Calls {
  const named = clients.map((client, index) => ({ ...client, name: `key_${index}` }));
  return {
    gate: inTurn(named, ({ name, headers }) => ({ method: "GET", path: `/ping/${name}`, headers })),
    read: inTurn(named, ({ tenantId, orderId, headers }) => ({
      method: "GET",
      path: `/orders/${tenantId}/${orderId}`,
      headers,
    })),
    write: inTurn(named, ({ tenantId, order, headers }) => ({
      method: "POST",
      path: `/rows/${tenantId}/${statements}`,
      headers: { ...headers, "Idempotency-Key": newId("bench") },
      body: order,
    })),
    "sign-in": inTurn(named, ({ headers: { Authorization: _, ...headers }, person }) => ({
      method: "POST",
      path: `/sign-in/${statements}`,
      headers,
      body: person,
    })),
  };
}

function inTurn<T>(items: readonly T[], call: (item: T) => Call): () => Call {
  let turn = 0;
  return () => {
    const item = items[turn++ % items.length];
    if (item === undefined) throw new Error("Nothing to take turns with.");
    return call(item);
  };
}

// A Worker's entry has a default export, which the house does not use elsewhere.
export async function bareBundle(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "keyline-bare-"));
  try {
    const entry = join(folder, "entry.ts");
    const bare = JSON.stringify(join(import.meta.dirname, "bare.ts"));
    await writeFile(
      entry,
      `export { app as default, AuditTree, Budget, Gate, Lockout, Mailbox } from ${bare};\n`,
    );
    return await bundle(entry);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** As our own tables of one cell: strict, the tenant first in the key, and two indexes, of which ours have one to five. */
const bareTables = [
  "create table bare_rows (tenant_id text not null, id text not null, kind text not null, data text not null, created_at text not null, primary key (tenant_id, id)) strict, without rowid",
  "create index bare_rows_by_kind on bare_rows (tenant_id, kind, id)",
  "create index bare_rows_by_time on bare_rows (tenant_id, created_at, id)",
];

/** The bare Worker's database holds the very orders that are read. */
export async function seedBare(keyline: Deployment, bare: Deployment): Promise<void> {
  const from = (await keyline.env()).CELL_US1 as D1Database;
  const to = (await bare.env()).CELL_US1 as D1Database;
  const { results } = await from
    .prepare("select * from orders")
    .all<Record<string, string | number | null>>();
  const columns = Object.keys(results[0] ?? {}).join(", ");
  await to.batch(
    [`create table bare_orders (${columns}, primary key (tenant_id, id)) without rowid`, ...bareTables].map(
      (text) => to.prepare(text),
    ),
  );
  for (const row of results) {
    const values = Object.values(row);
    const places = values.map(() => "?").join(", ");
    await to
      .prepare(`insert into bare_orders (${columns}) values (${places})`)
      .bind(...values)
      .run();
  }
}
