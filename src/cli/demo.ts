import { z } from "zod";
import { openDirectory } from "#db/directory.ts";
import { directoryTenants } from "#db/directory-tables.ts";
import { systemSession } from "#db/open-tenant.ts";
import { many } from "#db/queries.ts";
import { members } from "#gate/tables.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { cellOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { localBindings } from "./bindings.ts";
import { businesses } from "./businesses.ts";
import { mintDemoKey, seedTenant } from "./seed.ts";
import { withNewPassword } from "./seed-password.ts";

const DemoTenant = z.object({
  slug: z.string(),
  id: z.string(),
  cell: z.string(),
  apiKey: z.string(),
  ownerEmail: z.string(),
  ownerPassword: z.string(),
});
type DemoTenant = z.output<typeof DemoTenant>;
const Demo = z.object({ tenants: z.array(DemoTenant) });

/**
 * Founds the demo tenants where they are not yet, and gives each a key, and its owner a password, unless the facts of an
 * earlier start hold them.
 */
export async function prepareDemo(earlier: unknown): Promise<DemoTenant[]> {
  const proxy = await localBindings();
  try {
    const { env } = proxy;
    const now = Date.now();
    await ensureDirectoryKeys(env, now);
    const known = Demo.safeParse(earlier).data?.tenants ?? [];
    const demo: DemoTenant[] = [];
    for (const business of businesses) {
      await seedTenant(env, business, now);
      const id = await tenantIdOf(env, business.slug);
      const before = known.find((tenant) => tenant.id === id);
      demo.push(before ?? (await withNewKey(env, business.slug, business.cell, id, now)));
    }
    return demo;
  } finally {
    await proxy.dispose();
  }
}

async function tenantIdOf(env: Env, slug: string): Promise<string> {
  const directory = await openDirectory(env);
  const { rows } = await directory.read({ rows: many(directoryTenants, { limit: 100 }) });
  const tenant = rows.find((row) => row.slug === slug);
  if (!tenant) throw new Error(`The directory has no tenant ${slug}.`);
  return tenant.id;
}

async function withNewKey(
  env: Env,
  slug: string,
  cellId: string,
  id: string,
  now: number,
): Promise<DemoTenant> {
  const cell = cellOf(env, cellId);
  if (!cell) throw new Error(`This deployment has no cell ${cellId}.`);
  const session = await systemSession(env, cell.database, id);
  const { rows } = await session.read({ rows: many(members, { limit: 100 }) });
  const owner = rows.find((row) => row.role === "owner");
  if (!owner) throw new Error(`${slug} has no owner.`);
  const { key } = await mintDemoKey(env, cell, id, owner.id, now);
  const owns = await withNewPassword(env, owner.userId, now);
  return { slug, id, cell: cell.id, apiKey: key, ...owns };
}
