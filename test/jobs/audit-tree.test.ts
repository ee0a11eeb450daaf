import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { expect, test, vi } from "vitest";
import { type Hash, hashLeaf, hashNode, isConsistent, isIncluded } from "#crypto/merkle.ts";
import { permitResume } from "#db/audit-resume.ts";
import { CellSystem } from "#db/cell-system.ts";
import { cellKinds } from "#db/retention.ts";
import { Store } from "#db/store.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import { directoryKeys } from "#gate/directory-keys.ts";
import { AuditTree } from "#index.ts";
import { logAudit } from "#jobs/log-audit.ts";
import { deleteExpired } from "#jobs/retention.ts";
import { entriesOf } from "#lib/entry-bundle.ts";
import { dayMs } from "#lib/time.ts";
import { fromUtf8, utf8 } from "#lib/utf8.ts";
import { Consistency, Inclusion, TreeHead } from "#platform/audit-trees.ts";
import { addNotes, logAll, openHead, treeOf, unlogged } from "#test/audit-log.ts";
import { testEnv } from "#test/env.ts";
import { envWith, newTenant, proxied, rowsOf, type TestTenant } from "#test/world.ts";

test("every audit row is a leaf, in its order, under a head that the deployment has signed", async () => {
  const tenant = await newTenant();
  await logAll(tenant);
  const rows = await auditOf(tenant);
  expect(rows.length).toBeGreaterThan(20);
  const { size, root } = await headOf(tenant);
  expect(size).toBe(rows.length);
  expect(root.toHex()).toBe((await naiveRoot(await leavesOf(rows, tenant))).toHex());
  expect(await unlogged(tenant)).toBe(0);
});

test("full tiles are in the bucket at once, with their entries, and prove every leaf", async () => {
  const tenant = await newTenant();
  await addNotes(tenant, 700);
  await logAll(tenant);
  const rows = await auditOf(tenant);
  const leaves = await leavesOf(rows, tenant);
  const full = Math.floor(rows.length / 256);
  expect((await filesOf(tenant)).filter((name) => name.startsWith("tile/0/"))).toHaveLength(full);
  for (let tile = 0; tile < full; tile += 1) {
    const entries = entriesOf(await fileOf(tenant, `tile/entries/00${tile}`));
    expect(entries?.map((entry) => JSON.parse(fromUtf8(entry)).seq)).toEqual(
      rows.slice(tile * 256, (tile + 1) * 256).map(({ seq }) => seq),
    );
  }
  const { size, root } = await headOf(tenant);
  for (let index = 0; index < size; index += 41) {
    const { proof } = await inclusionOf(tenant, index);
    const leaf = leaves[index] as Hash;
    expect(await isIncluded({ index, size, leaf, root, proof }), String(index)).toBe(true);
    expect(await isIncluded({ index: index + 1, size, leaf, root, proof })).toBe(false);
  }
});

test("each later head continues every earlier one, and nothing beyond the tree is proven", async () => {
  const tenant = await newTenant();
  const heads: { size: number; root: Hash }[] = [];
  for (const more of [0, 3, 230, 300, 1]) {
    await addNotes(tenant, more);
    await logAll(tenant);
    heads.push(await headOf(tenant));
  }
  for (const [at, later] of heads.entries()) {
    for (const earlier of heads.slice(0, at + 1)) {
      const proof = await treeOf(tenant).consistency(earlier.size, later.size);
      expect(
        await isConsistent({
          earlier: earlier.size,
          size: later.size,
          earlierRoot: earlier.root,
          root: later.root,
          proof: hashesOf(Consistency.parse(proof)?.proof),
        }),
      ).toBe(true);
    }
  }
  const size = heads.at(-1)?.size ?? 0;
  expect(await treeOf(tenant).consistency(1, size + 1)).toBeNull();
  expect(await treeOf(tenant).consistency(0, size)).toBeNull();
  expect(await treeOf(tenant).inclusion(size)).toBeNull();
});

test("many writers at once make one tree, without a gap or a second leaf of any row", async () => {
  const tenant = await newTenant();
  const writes = Array.from({ length: 8 }, async () => {
    for (let each = 0; each < 4; each += 1) {
      await addNotes(tenant, 5);
      await logAudit(testEnv(), tenant.cell, tenant.tenantId);
    }
  });
  await Promise.all(writes);
  await logAll(tenant);
  const rows = await auditOf(tenant);
  const { size, root } = await headOf(tenant);
  expect(size).toBe(rows.length);
  expect(root.toHex()).toBe((await naiveRoot(await leavesOf(rows, tenant))).toHex());
});

test("a log that is cut off at any of its steps goes on to the very same tree and files", async () => {
  const tenant = await newTenant();
  await addNotes(tenant, 300);
  const owner = { v: 1, tenantId: tenant.tenantId, cell: tenant.cell.id };
  let tries = 0;
  const cutAt = new Set<string>();
  // Each try is cut one step later than the one before: after this many puts and batches.
  for (let most = 0; most < 12; most += 1) {
    const env = cutOff(most, cutAt);
    await runInDurableObject(treeOf(tenant), async (_, state) => {
      await new AuditTree(state, env).append(owner).catch(() => {
        tries += 1;
      });
    });
  }
  expect([tries > 3, [...cutAt].toSorted()]).toEqual([true, ["batch", "put"]]);
  await logAll(tenant);
  const rows = await auditOf(tenant);
  const { size, root } = await headOf(tenant);
  expect(size).toBe(rows.length);
  expect(root.toHex()).toBe((await naiveRoot(await leavesOf(rows, tenant))).toHex());
  const entries = entriesOf(await fileOf(tenant, "tile/entries/000"));
  expect(entries?.map((entry) => JSON.parse(fromUtf8(entry)).seq)).toEqual(
    rows.slice(0, 256).map(({ seq }) => seq),
  );
});

test("a publication that is cut off at any of its steps goes on to the very same files, and one head", async () => {
  const tenant = await newTenant();
  await addNotes(tenant, 300);
  await logAll(tenant);
  const { size } = await headOf(tenant);
  const cutAt = new Set<string>();
  const counts: number[] = [];
  const printed = vi.spyOn(console, "error").mockReturnValue();
  for (let most = 0; most < 12; most += 1) {
    const env = cutOff(most, cutAt);
    await runInDurableObject(treeOf(tenant), async (_, state) => {
      // As it is while an alarm runs.
      await state.storage.deleteAlarm();
      await new AuditTree(state, env).alarm();
      counts.push((await keptOf(tenant)).length);
      const isAgain = (await state.storage.getAlarm()) !== null;
      expect(isAgain, "it is tried again until it is done").toBe(counts.at(-1) === 0);
    });
  }
  expect(printed.mock.calls.length).toBeGreaterThan(3);
  printed.mockRestore();
  expect([[...cutAt].toSorted(), counts.at(0), counts.at(-1)]).toEqual([["batch", "put"], 0, 1]);
  const rest = size % 256;
  expect(await filesOf(tenant)).toEqual(
    [
      `checkpoints/${size}`,
      ...["tile/0/000", "tile/1/000.p/1", "tile/entries/000"],
      ...[`tile/0/001.p/${rest}`, `tile/entries/001.p/${rest}`],
    ].toSorted(),
  );
  expect(await keptOf(tenant)).toEqual([{ size }]);
});

test("a head whose alarm was never set is published after the next call", async () => {
  const tenant = await newTenant();
  await logAll(tenant);
  const { size } = await headOf(tenant);
  await runInDurableObject(treeOf(tenant), (_, state) => state.storage.deleteAlarm());
  await logAll(tenant);
  expect(await runDurableObjectAlarm(treeOf(tenant))).toBe(true);
  expect(await keptOf(tenant)).toEqual([{ size }]);
});

test("every hour what is not full is published with the head over it, once", async () => {
  const tenant = await newTenant();
  await logAll(tenant);
  const { size, text } = await headOf(tenant);
  expect(await filesOf(tenant)).toEqual([]);
  expect(await runDurableObjectAlarm(treeOf(tenant))).toBe(true);
  expect(await filesOf(tenant)).toEqual(
    [`checkpoints/${size}`, `tile/0/000.p/${size}`, `tile/entries/000.p/${size}`].toSorted(),
  );
  expect(fromUtf8(await fileOf(tenant, `checkpoints/${size}`))).toContain(text);
  expect(await keptOf(tenant)).toEqual([{ size }]);
  expect(await runDurableObjectAlarm(treeOf(tenant))).toBe(false);
  await deleteExpired(tenant.cell.database, Date.now() + 399 * dayMs, cellKinds);
  expect(await keptOf(tenant)).toHaveLength(1);
  await deleteExpired(tenant.cell.database, Date.now() + 401 * dayMs, cellKinds);
  expect(await keptOf(tenant), "the bucket keeps it").toEqual([]);
  await addNotes(tenant, 1);
  await logAll(tenant);
  expect(await runDurableObjectAlarm(treeOf(tenant))).toBe(true);
  expect(await filesOf(tenant)).toContain(`checkpoints/${size + 1}`);
});

test("a file that holds something else is never overwritten, and what fails is tried again", async () => {
  const tenant = await newTenant();
  await logAll(tenant);
  const { size } = await headOf(tenant);
  const key = `${tenant.tenantId}/checkpoints/${size}`;
  await tenant.cell.auditLog.put(key, "something else");
  const printed = vi.spyOn(console, "error").mockReturnValue();
  await runDurableObjectAlarm(treeOf(tenant));
  expect(printed.mock.calls.join()).toContain("holds something else");
  printed.mockRestore();
  expect(fromUtf8(await fileOf(tenant, `checkpoints/${size}`))).toBe("something else");
  await tenant.cell.auditLog.delete(key);
  expect(await runDurableObjectAlarm(treeOf(tenant))).toBe(true);
  expect(fromUtf8(await fileOf(tenant, `checkpoints/${size}`))).toContain("\n");
});

test("what is a leaf stays as it was, whatever the row says later; a row that is gone stops the log", async () => {
  const tenant = await newTenant();
  await logAll(tenant);
  const before = await headOf(tenant);
  const { database } = tenant.cell;
  await database.exec("drop trigger audit_log_refuses_update");
  await rowsOf(
    database,
    "update audit_log set actor_id = 'mallory' where tenant_id = ? and seq = 3",
    tenant.tenantId,
  );
  await addNotes(tenant, 300);
  await logAll(tenant);
  const entries = entriesOf(await fileOf(tenant, "tile/entries/000"));
  expect(JSON.parse(fromUtf8(entries?.[2] ?? utf8("null"))).actor_id).not.toBe("mallory");
  const after = await headOf(tenant);
  const proof = Consistency.parse(await treeOf(tenant).consistency(before.size, after.size))?.proof;
  expect(
    await isConsistent({
      earlier: before.size,
      size: after.size,
      earlierRoot: before.root,
      root: after.root,
      proof: hashesOf(proof),
    }),
  ).toBe(true);
  await addNotes(tenant, 2);
  await database.exec("drop trigger audit_log_refuses_delete");
  await rowsOf(
    database,
    "delete from audit_log where tenant_id = ? and seq = ?",
    tenant.tenantId,
    after.size + 1,
  );
  await expect(logAll(tenant)).rejects.toThrow(`lacks row ${after.size + 1}`);
});

test("a log that nothing but an operator can mend stands still, and the platform is told once an hour", async () => {
  const tenant = await newTenant();
  const { database, auditLog } = tenant.cell;
  await logAll(tenant);
  const { size } = await headOf(tenant);
  await addNotes(tenant, 2);
  await database.exec("drop trigger if exists audit_log_refuses_delete");
  const remove = (seq: number) =>
    database
      .prepare("delete from audit_log where tenant_id = ? and seq = ?")
      .bind(tenant.tenantId, seq)
      .run();
  await remove(size + 1);
  for (const _ of [1, 2, 3]) await expect(logAll(tenant)).rejects.toThrow(`lacks row ${size + 1}, and has`);
  await remove(size + 2);
  await expect(logAll(tenant)).rejects.toThrow(`lacks row ${size + 1}, and has none after it`);

  const other = await newTenant();
  await auditLog.put(`${other.tenantId}/tile/0/000`, "something else");
  await addNotes(other, 300);
  await expect(logAll(other)).rejects.toThrow("holds something else");
  const told = await rowsOf<{ data: string }>(
    testEnv().DIRECTORY,
    "select data from events where type = 'audit.broken' order by seq desc limit 2",
  );
  expect(told.map(({ data }) => JSON.parse(data))).toEqual([
    {
      tenantId: other.tenantId,
      cell: "us1",
      fault: "file-differs",
      at: `${other.tenantId}/tile/0/000`,
    },
    { tenantId: tenant.tenantId, cell: "us1", fault: "row-missing", at: String(size + 1) },
  ]);
  const noted = await rowsOf(
    testEnv().DIRECTORY,
    "select entity_id as id from audit_log where entity = 'audit-log' and entity_id = ?",
    tenant.tenantId,
  );
  expect(noted).toHaveLength(1);
});

test("a log keeps the name of its first head when the deployment's address changes", async () => {
  const tenant = await newTenant();
  await logAll(tenant);
  const before = await headOf(tenant);
  await addNotes(tenant, 1);
  const env = envWith({ PUBLIC_ORIGIN: "https://moved.example" });
  await runInDurableObject(treeOf(tenant), async (_, state) => {
    await new AuditTree(state, env).append({ v: 1, tenantId: tenant.tenantId, cell: tenant.cell.id });
  });
  const after = await headOf(tenant);
  expect([after.size, after.text.split("\n")[0]]).toEqual([before.size + 1, before.text.split("\n")[0]]);
});

test("a log ahead of a restored audit stands still until an operator lets it go on, after its own last leaf", async () => {
  const tenant = await newTenant();
  const { cell, tenantId } = tenant;
  const { database } = cell;
  await addNotes(tenant, 30);
  await logAll(tenant);
  const before = await headOf(tenant);
  const restored = before.size - 20;
  await database.exec("drop trigger if exists audit_log_refuses_delete");
  await rowsOf(database, "delete from audit_log where tenant_id = ? and seq > ?", tenantId, restored);
  await rowsOf(
    database,
    "update counters set value = ?, logged = ? where tenant_id = ? and name = 'audit'",
    restored,
    restored,
    tenantId,
  );
  const driver = new TenantDriver(new Store(database, "first-primary"), tenantId);
  await addNotes(tenant, 1);
  for (const _ of [1, 2])
    await expect(logAll(tenant)).rejects.toThrow(
      `has had ${restored + 1} rows, and ${before.size} are leaves`,
    );
  expect(await unlogged(tenant), "nothing was marked").toBe(1);
  const told = await rowsOf<{ data: string }>(
    testEnv().DIRECTORY,
    "select data from events where type = 'audit.broken' and data like ?",
    `%${tenantId}%`,
  );
  expect(told.map(({ data }) => JSON.parse(data))).toEqual([
    { tenantId, cell: "us1", fault: "rows-rolled-back", at: String(restored + 2) },
  ]);

  await permitResume(driver);
  const system = new CellSystem(new Store(database, "first-primary"));
  expect(await system.tenantsWithUnloggedAudit()).toContain(tenantId);
  await addNotes(tenant, 1);
  await logAll(tenant);
  await addNotes(tenant, 2);
  await logAll(tenant);
  const after = await headOf(tenant);
  expect(after.size).toBe(before.size + 3);
  const rows = await auditOf(tenant);
  expect(
    rows.filter(({ seq }) => seq > restored).map(({ seq, row }) => [seq, JSON.parse(String(row)).lostTo]),
  ).toEqual([
    [restored + 1, undefined],
    [restored + 2, undefined],
    ...[1, 2, 3].map((more) => [before.size + more, more === 1 ? before.size : undefined]),
  ]);
  expect(JSON.parse(String(rows.find(({ seq }) => seq === before.size + 1)?.row))).toEqual({
    resumed: true,
    lostFrom: restored + 3,
    lostTo: before.size,
  });
  expect(await unlogged(tenant)).toBe(0);
  const proof = Consistency.parse(await treeOf(tenant).consistency(before.size, after.size))?.proof;
  const [earlier, earlierRoot] = [before.size, before.root];
  expect(
    await isConsistent({ earlier, size: after.size, earlierRoot, root: after.root, proof: hashesOf(proof) }),
  ).toBe(true);

  await rowsOf(
    database,
    "update counters set value = value - 2 where tenant_id = ? and name = 'audit'",
    tenantId,
  );
  await expect(logAll(tenant), "the permit was for once").rejects.toThrow("are leaves");
});

test("a restored audit that outgrew its log before anybody looked stands still as well", async () => {
  const tenant = await newTenant();
  const { cell, tenantId } = tenant;
  await addNotes(tenant, 10);
  await logAll(tenant);
  const { size } = await headOf(tenant);
  const put = (text: string) => rowsOf(cell.database, text, size - 5, tenantId);
  await cell.database.exec("drop trigger if exists audit_log_refuses_delete");
  await put("delete from audit_log where seq > ? and tenant_id = ?");
  await put("update counters set value = ?1, logged = ?1 where tenant_id = ?2 and name = 'audit'");
  await addNotes(tenant, 20);
  await expect(logAll(tenant)).rejects.toThrow(`and ${size} are leaves`);
  expect((await headOf(tenant)).size).toBe(size);
  await permitResume(new TenantDriver(new Store(cell.database, "first-primary"), tenantId));
  await logAll(tenant);
  expect([(await headOf(tenant)).size, await unlogged(tenant)]).toEqual([size + 16, 0]);
  const noted = (await auditOf(tenant)).filter(({ entity }) => entity === "audit-log");
  expect(noted.map(({ row }) => JSON.parse(String(row)))).toEqual([
    { resumed: true, lostFrom: null, lostTo: size },
  ]);
});

test("a permit to go on that nothing needed is gone with the next rows, and noted nowhere", async () => {
  const tenant = await newTenant();
  const { cell, tenantId } = tenant;
  await logAll(tenant);
  const { size } = await headOf(tenant);
  for (const _ of [1, 2])
    await permitResume(new TenantDriver(new Store(cell.database, "first-primary"), tenantId));
  await addNotes(tenant, 3);
  await logAll(tenant);
  expect([(await headOf(tenant)).size, await unlogged(tenant)]).toEqual([size + 3, 0]);
  expect((await auditOf(tenant)).filter(({ entity }) => entity === "audit-log")).toEqual([]);
});

/** The deployment whose every put and batch fails after so many of them; `cutAt` is told which were. */
function cutOff(most: number, cutAt: Set<string>) {
  const { AUDIT_LOG_US1: bucket, CELL_US1: database } = testEnv();
  let steps = 0;
  const cut = <T>(what: string, run: () => T): T | Promise<never> => {
    steps += 1;
    if (steps > most) cutAt.add(what);
    return steps > most ? Promise.reject(new Error("cut off")) : run();
  };
  return envWith({
    AUDIT_LOG_US1: proxied(bucket as R2Bucket, {
      put: (...args: Parameters<R2Bucket["put"]>) => cut("put", () => (bucket as R2Bucket).put(...args)),
    }),
    CELL_US1: proxied(database as D1Database, {
      withSession: (...args: Parameters<D1Database["withSession"]>) => {
        const session = (database as D1Database).withSession(...args);
        return proxied(session, {
          batch: (given: D1PreparedStatement[]) => cut("batch", () => session.batch(given)),
        });
      },
    }),
  });
}

async function headOf(tenant: TestTenant) {
  const { size, note: signed } = TreeHead.parse(await treeOf(tenant).head());
  const { checkpointSigner } = await directoryKeys(testEnv(), (keys) => keys.checkpointSigner !== null);
  if (!checkpointSigner) throw new Error("There is no key for checkpoints.");
  const head = await openHead(tenant, signed, checkpointSigner.publicKey);
  expect(head.size).toBe(size);
  return head;
}

async function inclusionOf(tenant: TestTenant, index: number) {
  const inclusion = Inclusion.parse(await treeOf(tenant).inclusion(index));
  return { proof: hashesOf(inclusion?.proof) };
}

function hashesOf(proof: readonly Uint8Array[] | undefined): Hash[] {
  if (!proof) throw new Error("There is no proof.");
  return proof.map((hash) => new Uint8Array(hash));
}

interface StoredRow {
  readonly seq: number;
  readonly [column: string]: unknown;
}

async function auditOf({ cell, tenantId }: TestTenant): Promise<StoredRow[]> {
  return await rowsOf<StoredRow>(
    cell.database,
    "select seq, id, operation, action, entity, entity_id, row, changed, location_id, assignee_id, actor_kind, actor_id, actor_chain, support_grant_id, request_id, caller, created_at from audit_log where tenant_id = ? order by seq",
    tenantId,
  );
}

// Spelled out once more: the members in their order, by hand.
async function leavesOf(rows: readonly StoredRow[], { tenantId }: TestTenant): Promise<Hash[]> {
  const sorted = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(sorted);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .map(([key, inner]) => [key, sorted(inner)] as const)
        .toSorted(([one], [other]) => (one < other ? -1 : 1)),
    );
  };
  return await Promise.all(
    rows.map(({ row, changed, ...rest }) => {
      const parsed = {
        v: 1,
        tenant_id: tenantId,
        ...rest,
        row: JSON.parse(String(row)),
        changed: changed === null ? null : JSON.parse(String(changed)),
      };
      return hashLeaf(utf8(JSON.stringify(sorted(parsed))));
    }),
  );
}

// RFC 6962 section 2.1, word by word.
async function naiveRoot(leaves: readonly Hash[]): Promise<Hash> {
  const [only] = leaves;
  if (leaves.length === 1 && only) return only;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return await hashNode(await naiveRoot(leaves.slice(0, split)), await naiveRoot(leaves.slice(split)));
}

async function filesOf({ cell, tenantId }: TestTenant): Promise<string[]> {
  const { objects } = await cell.auditLog.list({ prefix: `${tenantId}/` });
  return objects.map(({ key }) => key.slice(tenantId.length + 1)).toSorted();
}

async function fileOf({ cell, tenantId }: TestTenant, name: string): Promise<Uint8Array<ArrayBuffer>> {
  const object = await cell.auditLog.get(`${tenantId}/${name}`);
  if (!object) throw new Error(`There is no ${name}.`);
  return new Uint8Array(await object.arrayBuffer());
}

function keptOf({ cell, tenantId }: TestTenant) {
  return rowsOf(cell.database, "select size from audit_checkpoints where tenant_id = ?", tenantId);
}
