import { sql } from "drizzle-orm";
import { z } from "zod";
import type { DataKey } from "#crypto/envelope.ts";
import { openKeyRing, type TenantKeyRing, type TenantKeyRow } from "#crypto/key-ring.ts";
import type { Env } from "#platform/env.ts";
import { platformTenant } from "./directory-tables.ts";
import { keksOf } from "./keks.ts";
import { wholeTenant } from "./scope.ts";
import { statementOf } from "./statement.ts";
import { Store } from "./store.ts";
import { TenantSession } from "./tenant-db.ts";
import { TenantDriver } from "./tenant-driver.ts";

const mostRings = 500;
const rings = new Map<string, Promise<TenantKeyRing>>();

/** The tenant's ring from its wrapped rows, unwrapped once per isolate while the rows stay the same. */
export async function ringOf(
  env: Env,
  tenantId: string,
  rows: readonly TenantKeyRow[],
): Promise<TenantKeyRing> {
  const name = [tenantId, ...rows.map((row) => row.wrapped)].join(" ");
  const known = rings.get(name);
  if (known) return await known;
  const opening = keksOf(env).then((keks) => openKeyRing(keks, tenantId, rows, indexOf(tenantId)));
  if (rings.size >= mostRings) rings.clear();
  rings.set(name, opening);
  opening.catch(() => rings.delete(name));
  return await opening;
}

// The directory's tokens are unique, which two keys at a time would not keep.
function indexOf(tenantId: string) {
  return tenantId === platformTenant ? ("pinned" as const) : ("rebuilt" as const);
}

/** A session as the system: for jobs, sagas and the settling of effects. It sees the whole tenant. */
export async function systemSession(
  env: Env,
  database: D1Database,
  tenantId: string,
  epoch: "any" | null = null,
): Promise<TenantSession> {
  const driver = new TenantDriver(new Store(database, "first-primary"), tenantId);
  const [rows] = await driver.execute([
    statementOf(sql`select "id", "wrapped" from "tenant_keys" where "tenant_keys"."tenant_id" = ${tenantId}`),
  ]);
  const ring = await ringOf(env, tenantId, Rows.parse(rows));
  return new TenantSession(driver, {
    reach: wholeTenant,
    epoch,
    keys: { tenantId, ring, subjects: new Map<string, DataKey | null>() },
  });
}

/** A session that can neither seal nor open: for a note, which must not depend on the keys it complains of. */
export function keylessSession(database: D1Database, tenantId: string): TenantSession {
  const driver = new TenantDriver(new Store(database, "first-primary"), tenantId);
  return new TenantSession(driver, {
    reach: wholeTenant,
    epoch: null,
    keys: {
      tenantId,
      get ring(): never {
        throw new Error("This session was opened without keys.");
      },
      subjects: new Map<string, DataKey>(),
    },
  });
}

/** The tenant's wrapped keys as they lie. */
export async function tenantKeyRows(session: TenantSession): Promise<TenantKeyRow[]> {
  const { tenantId } = session;
  const [rows] = await session.execute([
    statementOf(sql`select "id", "wrapped" from "tenant_keys" where "tenant_keys"."tenant_id" = ${tenantId}`),
  ]);
  return Rows.parse(rows);
}

const Rows = z.array(z.object({ id: z.string(), wrapped: z.string() }));
