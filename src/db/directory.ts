import { eq, gt, sql } from "drizzle-orm";
import { timestamp } from "#lib/time.ts";
import type { Env } from "#platform/env.ts";
import { type Guard, mustExist, mustNotExist } from "./changes.ts";
import {
  checkpointKeys,
  keyPeppers,
  platformTenant,
  sessions,
  signingKeys,
  strangerMonths,
  users,
} from "./directory-tables.ts";
import { systemSession } from "./open-tenant.ts";
import { all } from "./statement.ts";
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

/** The same of the keys of unknown callers. */
export function noSuchStrangers(month: string): Guard {
  return mustNotExist(strangerMonths, eq(strangerMonths.month, month), { problem: "conflict" });
}

/** A user's write counts only while the session that it is made in does. */
export function sessionStands(sessionId: string, now: number): Guard {
  const stands = all(
    eq(sessions.id, sessionId),
    eq(sessions.state, "active"),
    gt(sessions.expiresAt, timestamp(now)),
    sql`${sessions.sessionEpoch} = (select ${users.sessionEpoch} from ${users} where ${users.tenantId} = ${platformTenant} and ${users.id} = ${sessions.userId})`,
  );
  return mustExist(sessions, stands, { problem: "unauthorized" });
}

/** The same of rows that were read, for what must not even begin in a session that is over. */
export function stands(
  session: Row<typeof sessions> | null,
  user: Row<typeof users> | null | undefined,
  now: number,
): session is Row<typeof sessions> {
  if (session?.state !== "active" || session.expiresAt <= timestamp(now)) return false;
  return session.sessionEpoch === user?.sessionEpoch;
}

/** Nobody has ended all of this user's sessions since the row was read: else who begins one is asked anew. */
export function mustStand({
  id,
  sessionEpoch,
}: {
  readonly id: string;
  readonly sessionEpoch: number;
}): Guard {
  return mustExist(users, all(eq(users.id, id), eq(users.sessionEpoch, sessionEpoch)), null);
}
