import { gt, sql } from "drizzle-orm";
import type { Env } from "#platform/env.ts";
import { type Guard, mustNotExist } from "./changes.ts";
import { checkpointKeys, keyPeppers, platformTenant, signingKeys } from "./directory-tables.ts";
import { systemSession } from "./open-tenant.ts";
import type { TenantSession } from "./tenant-db.ts";
import type { Row } from "./tenant-table.ts";

/** The directory as one more owner of rows: same firewall, same commit, its own audit and outbox. */
export async function openDirectory(env: Env): Promise<TenantSession> {
  return await systemSession(env, env.DIRECTORY, platformTenant);
}

/** Of many that saw the same signing key age, one adds its successor. */
export function noNewerSigningKey(latest: Row<typeof signingKeys> | null): Guard {
  const newer = latest ? gt(signingKeys.signsFrom, latest.signsFrom) : sql`1`;
  return mustNotExist(signingKeys, newer, { problem: "conflict" });
}

/** The same of peppers. */
export function noNewerPepper(latest: Row<typeof keyPeppers> | null): Guard {
  const newer = latest ? gt(keyPeppers.pepperVersion, latest.pepperVersion) : sql`1`;
  return mustNotExist(keyPeppers, newer, { problem: "conflict" });
}

/** The same of the keys that sign the audit's heads. */
export function noNewerCheckpointKey(latest: Row<typeof checkpointKeys> | null): Guard {
  const newer = latest ? gt(checkpointKeys.signsFrom, latest.signsFrom) : sql`1`;
  return mustNotExist(checkpointKeys, newer, { problem: "conflict" });
}
