import { parseCheckpoint } from "#crypto/checkpoint.ts";
import { importVerifier } from "#crypto/ed25519.ts";
import type { Hash } from "#crypto/merkle.ts";
import { openNote } from "#crypto/signed-note.ts";
import { note } from "#db/changes.ts";
import { systemSession } from "#db/open-tenant.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { logAudit } from "#jobs/log-audit.ts";
import { utf8 } from "#lib/utf8.ts";
import { auditTreeOf } from "#platform/audit-trees.ts";
import { newId } from "#platform/ids.ts";
import { testEnv } from "#test/env.ts";
import { rowsOf, type TestTenant } from "#test/world.ts";

export function treeOf({ cell, tenantId }: TestTenant) {
  return auditTreeOf(testEnv(), cell, tenantId);
}

/** All of the tenant's audit is in its log afterwards. */
export async function logAll({ cell, tenantId }: TestTenant): Promise<void> {
  while (await logAudit(testEnv(), cell, tenantId));
}

/** As many audit rows more, by the system. */
export async function addNotes({ cell, tenantId }: TestTenant, count: number): Promise<void> {
  const session = await systemSession(testEnv(), cell.database, tenantId);
  for (let done = 0; done < count; done += 100) {
    const notes = Array.from({ length: Math.min(100, count - done) }, () =>
      note("tenant", tenantId, { said: newId("x") }),
    );
    await commitAsSystem(session, { job: "test", requestId: newId("run"), now: Date.now() }, notes);
  }
}

/** How many of its audit rows are not known to be leaves. */
export async function unlogged({ cell, tenantId }: TestTenant): Promise<number> {
  const [row] = await rowsOf<{ left: number }>(
    cell.database,
    "select value - logged as left from counters where tenant_id = ? and name = 'audit'",
    tenantId,
  );
  return row?.left ?? Number.NaN;
}

/** What a signed head says of a tenant's log. @throws Error where this key did not sign it, or for another log */
export async function openHead({ tenantId }: TestTenant, signed: string, publicKey: Uint8Array<ArrayBuffer>) {
  const name = `localhost:8787/audit/${tenantId}`;
  const text = await openNote(utf8(signed), { name, publicKey }, await importVerifier(publicKey));
  const checkpoint = parseCheckpoint(text ?? "");
  if (!text || checkpoint?.origin !== name) throw new Error("No signed head of this log.");
  return { text, size: checkpoint.size, root: checkpoint.root };
}

export function hashesFrom64(proof: readonly string[]): Hash[] {
  return proof.map((text) => Uint8Array.fromBase64(text));
}
