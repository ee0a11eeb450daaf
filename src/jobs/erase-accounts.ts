import { destroy, removeNamed, type Update } from "#db/changes.ts";
import type { CommitOutcome } from "#db/commit.ts";
import { openDirectory } from "#db/directory.ts";
import { memberships, platformTenant } from "#db/directory-tables.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import type { AnyTenantTable } from "#db/tenant-table.ts";
import { members } from "#gate/tables.ts";
import { mostTenants, placesOf, tenantsIn, userById } from "#identity/accounts/account-queries.ts";
import {
  type Closing,
  closingUsers,
  membershipsAt,
  mostAtOnce,
  rowsOfUser,
} from "#identity/accounts/closed-accounts.ts";
import { removeAgentOf } from "#identity/support/agents.ts";
import {
  emailChanges,
  federatedIdentities,
  passkeys,
  passwords,
  recoveryCodes,
  smsCodes,
  smsFactors,
  totpFactors,
} from "#identity/tables.ts";
import { minuteMs, timestamp } from "#lib/time.ts";
import { cellOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { errorFields, log } from "#platform/log.ts";

/** What a user leaves behind besides sessions and links, which end by their own retention and tell of nobody without the key. */
const theirs: readonly AnyTenantTable[] = [
  memberships,
  passwords,
  totpFactors,
  passkeys,
  smsFactors,
  smsCodes,
  recoveryCodes,
  emailChanges,
  federatedIdentities,
];

/** Their tenants are told by then that the account was closed, which takes the index of their memberships. */
const waitMs = 10 * minuteMs;

// Those of a cell that is away are passed by: they fill no page for good.
const mostPages = 10;

/**
 * Goes on with accounts that were closed, each step as often as it takes: out of every tenant, then all rows and at last
 * the key, with which the index tokens go. A cell that is away holds up those alone who are a member there.
 */
export async function eraseAccounts(env: Env, now: number): Promise<void> {
  const directory = keylessSession(env.DIRECTORY, platformTenant);
  let last: Closing | null = null;
  for (let pages = 0; pages < mostPages; pages += 1) {
    const { closing }: { closing: Closing[] } = await directory.read({
      closing: closingUsers(now - waitMs, last),
    });
    for (const { id: userId } of closing) {
      try {
        await erase(env, userId, now);
      } catch (error) {
        log("warn", "a closed account is erased later", { userId, ...errorFields(error) });
      }
    }
    last = closing.at(-1) ?? null;
    if (closing.length < mostAtOnce) return;
  }
}

async function erase(env: Env, userId: string, now: number): Promise<void> {
  const run = () => ({ job: "accounts.erase", requestId: newId("run"), now });
  const directory = await openDirectory(env);
  await removeAgentOf(env, userId, run());
  const { tenants } = await directory.read({ tenants: tenantsIn(userById(userId)) });
  for (const { cell: cellId, tenantId } of placesOf(tenants)) {
    const cell = cellOf(env, cellId);
    if (!cell) throw new Error(`There is no cell ${cellId}.`);
    await suspend(keylessSession(cell.database, tenantId), userId, run());
  }
  const keyless = keylessSession(env.DIRECTORY, platformTenant);
  if (tenants.length === mostTenants) {
    // There may be more of them: without a membership nobody would find the member, so the key waits for the last.
    const left = membershipsAt(
      userId,
      tenants.map(({ id }) => id),
    );
    const { rows } = await keyless.read({ rows: left });
    await committed(commitAsSystem(keyless, run(), removeNamed(memberships, rows)));
    return await erase(env, userId, now);
  }
  const found = await keyless.read(
    Object.fromEntries(theirs.map((table, index) => [String(index), rowsOfUser(table, userId)])),
  );
  const gone = theirs.flatMap((table, index) => removeNamed(table, found[String(index)] ?? []));
  await committed(commitAsSystem(keyless, run(), [...gone, destroy(userId, now)]));
}

// By ids alone: somebody leaves though their tenant's keys should be lost.
async function suspend(session: TenantSession, userId: string, run: SystemRun): Promise<void> {
  const { rows } = await session.read({ rows: rowsOfUser(members, userId) });
  const changes = rows.map((before): Update => {
    // Copies of what lay under the key that is destroyed.
    const who = { name: null, email: null };
    const patch = { state: "suspended", ...who, version: before.version + 1, updatedAt: timestamp(run.now) };
    return { kind: "update", table: members, before, patch };
  });
  if (changes.length > 0) await committed(commitAsSystem(session, run, changes));
}

async function committed(outcome: Promise<CommitOutcome>): Promise<void> {
  const { kind } = await outcome;
  if (kind !== "committed") throw new Error(`A step of the erasure was ${kind}.`);
}
