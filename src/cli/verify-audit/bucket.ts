import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { eq, or } from "drizzle-orm";
import { auditEntries } from "#db/audit-query.ts";
import { openDirectory } from "#db/directory.ts";
import { directoryTenants, platformTenant } from "#db/directory-tables.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { many } from "#db/queries.ts";
import { directoryKeys } from "#gate/directory-keys.ts";
import { parseTilePath } from "#lib/tlog-tiles.ts";
import { fromUtf8 } from "#lib/utf8.ts";
import { auditStoresOf, type TreeOwner } from "#platform/audit-trees.ts";
import type { Env } from "#platform/env.ts";
import { copyFromFolder } from "./folder.ts";
import { type Row, RowLine } from "./rows.ts";
import type { LogCopy } from "./verify.ts";

const rowsAtOnce = 500;
const filesAtOnce = 20;

/** Whose log it is, by slug or id, or the platform's own; null where there is none. */
export async function ownerOf(env: Env, name: string): Promise<TreeOwner | null> {
  if (name === platformTenant) return { v: 1, tenantId: platformTenant, cell: null };
  const where = or(eq(directoryTenants.slug, name), eq(directoryTenants.id, name));
  const { found } = await (await openDirectory(env)).read({
    found: many(directoryTenants, where ? { where, limit: 1 } : { limit: 1 }),
  });
  return found[0] ? { v: 1, tenantId: found[0].id, cell: found[0].cell } : null;
}

/** An owner's log as its bucket has it, and the rows as their database has them: past the Worker that wrote both. */
export async function copyFromBucket(env: Env, owner: TreeOwner): Promise<LogCopy> {
  const { database, bucket } = auditStoresOf(env, owner);
  const { checkpointKeys } = await directoryKeys(env, () => true);
  const folder = await mkdtemp(join(tmpdir(), "keyline-bucket-"));
  try {
    await fetchFiles(bucket, `${owner.tenantId}/`, folder);
    const keys = checkpointKeys.map(({ publicKey }) => ({ publicKey: publicKey.toBase64() }));
    await writeFile(join(folder, "audit-keys.json"), JSON.stringify({ keys }));
    const copy = await copyFromFolder(folder);
    // Without the time: the bucket has of the last hour only what filled a tile, so rows are not late.
    return { ...copy, rows: await rowsOf(database, owner.tenantId) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What `copyFromFolder` reads of a log; a bucket may hold more under the prefix. */
async function fetchFiles(bucket: R2Bucket, prefix: string, folder: string): Promise<void> {
  let cursor: string | undefined;
  do {
    const listed = await bucket.list({ prefix, ...(cursor === undefined ? {} : { cursor }) });
    const names = listed.objects.map(({ key }) => key.slice(prefix.length)).filter(isRead);
    for (let start = 0; start < names.length; start += filesAtOnce)
      await Promise.all(
        names.slice(start, start + filesAtOnce).map(async (name) => {
          const object = await bucket.get(`${prefix}${name}`);
          if (!object) throw new Error(`The bucket listed ${prefix}${name}, and does not have it.`);
          await mkdir(dirname(join(folder, name)), { recursive: true });
          await writeFile(join(folder, name), new Uint8Array(await object.arrayBuffer()));
        }),
      );
    cursor = listed.truncated ? listed.cursor : undefined;
  } while (cursor !== undefined);
}

function isRead(name: string): boolean {
  const tile = parseTilePath(name);
  return /^checkpoints\/\d+$/.test(name) || tile?.level === 0 || tile?.level === null;
}

async function rowsOf(database: D1Database, tenantId: string): Promise<Row[]> {
  const session = keylessSession(database, tenantId);
  const rows: Row[] = [];
  for (let after = 0; ; ) {
    const { entries } = await session.read({ entries: auditEntries(after, rowsAtOnce) });
    rows.push(...entries.map(({ bytes }) => RowLine.parse(JSON.parse(fromUtf8(bytes)))));
    const last = entries.at(-1);
    if (!last) return rows;
    after = last.seq;
  }
}
