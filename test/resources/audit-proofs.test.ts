import { runDurableObjectAlarm } from "cloudflare:test";
import { expect, test } from "vitest";
import { hashLeaf, isConsistent, isIncluded } from "#crypto/merkle.ts";
import { destroySubject } from "#db/destroy-subject.ts";
import { utf8 } from "#lib/utf8.ts";
import { newId } from "#platform/ids.ts";
import { addNotes, hashesFrom64, logAll, openHead, treeOf } from "#test/audit-log.ts";
import { clientOf } from "#test/client.ts";
import { as, newTenant, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();

test("each row's proof leads from what the row says to a head that a published key has signed", async () => {
  const tenant = await newTenant();
  await logAll(tenant);
  const publicKey = await publishedKey();
  const { json } = await call("audit.list", { ...as(tenant), query: { limit: "7" } });
  expect(json.data).toHaveLength(7);
  for (const { id, seq, operation } of json.data) {
    const { json: proven } = await call("audit.proof", { ...as(tenant), params: { auditId: id } });
    const head = await openHead(tenant, proven.checkpoint, publicKey);
    expect([proven.index, proven.size]).toEqual([seq - 1, head.size]);
    expect(JSON.parse(proven.entry)).toMatchObject({ id, seq, operation, tenant_id: tenant.tenantId });
    const leaf = await hashLeaf(utf8(proven.entry));
    const given = {
      index: proven.index,
      size: head.size,
      root: head.root,
      proof: hashesFrom64(proven.proof),
    };
    expect(await isIncluded({ ...given, leaf })).toBe(true);
    expect(await isIncluded({ ...given, leaf: await hashLeaf(utf8(`${proven.entry} `)) })).toBe(false);
  }
});

test("a row that was changed behind the audit's back does not prove any more", async () => {
  const tenant = await newTenant();
  await logAll(tenant);
  const { database } = tenant.cell;
  await database.exec("drop trigger if exists audit_log_refuses_update");
  const [row] = await rowsOf<{ id: string }>(
    database,
    "update audit_log set actor_id = 'mbr_x' where tenant_id = ? and seq = 5 returning id",
    tenant.tenantId,
  );
  const { json } = await call("audit.proof", { ...as(tenant), params: { auditId: row?.id ?? "" } });
  const { size, root } = await openHead(tenant, json.checkpoint, await publishedKey());
  const leaf = await hashLeaf(utf8(json.entry));
  expect(await isIncluded({ index: 4, size, root, leaf, proof: hashesFrom64(json.proof) })).toBe(false);
});

test("the destruction of a person's key leaves every proof as it was", async () => {
  const tenant = await newTenant();
  await logAll(tenant);
  const [customerId = ""] = tenant.customerIds;
  const { json } = await call("audit.list", { ...as(tenant), query: { entityId: customerId } });
  const row = json.data.find(({ entity }: { entity: string }) => entity === "customer");
  expect(row.row.name).toMatch(/^v1\./);
  const proven = () => call("audit.proof", { ...as(tenant), params: { auditId: row.id } });
  const before = (await proven()).json;
  const tombstone = {
    tenantId: tenant.tenantId,
    subjectId: customerId,
    destroyedAt: new Date().toISOString(),
  };
  const run = { job: "test", requestId: newId("run"), now: Date.now() };
  expect(await destroySubject(tenant.cell.database, tombstone, run)).toBe("destroyed");
  await logAll(tenant);
  const after = (await proven()).json;
  expect(after.entry).toBe(before.entry);
  const { size, root } = await openHead(tenant, after.checkpoint, await publishedKey());
  expect(size).toBeGreaterThan(before.size);
  const leaf = await hashLeaf(utf8(after.entry));
  expect(await isIncluded({ index: after.index, size, root, leaf, proof: hashesFrom64(after.proof) })).toBe(
    true,
  );
});

test("published heads are listed newest first, and each continues the one before", async () => {
  const tenant = await newTenant();
  for (const more of [0, 2, 300]) {
    await addNotes(tenant, more);
    await logAll(tenant);
    await runDurableObjectAlarm(treeOf(tenant));
  }
  const first = await call("audit.checkpoints", { ...as(tenant), query: { limit: "2" } });
  const rest = await call("audit.checkpoints", {
    ...as(tenant),
    query: { limit: "2", cursor: first.json.nextCursor },
  });
  expect([first.json.data.length, rest.json.data.length, rest.json.nextCursor]).toEqual([2, 1, null]);
  const publicKey = await publishedKey();
  const notes: string[] = [...first.json.data, ...rest.json.data].map(({ checkpoint }) => checkpoint);
  const heads = await Promise.all(notes.map((text) => openHead(tenant, text, publicKey)));
  const newest = await call("audit.checkpoint", as(tenant));
  expect(newest.json).toEqual({ size: heads[0]?.size, checkpoint: notes[0] });
  for (const [at, later] of heads.slice(0, -1).entries()) {
    const earlier = heads[at + 1];
    const query = { earlier: String(earlier?.size), size: String(later.size) };
    const { json } = await call("audit.consistency", { ...as(tenant), query });
    expect(
      await isConsistent({
        earlier: earlier?.size ?? 0,
        earlierRoot: earlier?.root ?? later.root,
        size: later.size,
        root: later.root,
        proof: hashesFrom64(json.proof),
      }),
    ).toBe(true);
  }
});

test("before a row is in the log its proof is asked for again in a minute", async () => {
  const tenant = await newTenant();
  const { json } = await call("audit.list", { ...as(tenant), query: { limit: "1" } });
  const answers = [
    await call("audit.proof", { ...as(tenant), params: { auditId: json.data[0].id } }),
    await call("audit.checkpoint", as(tenant)),
  ];
  for (const { status, headers } of answers)
    expect([status, headers.get("retry-after")]).toEqual([503, "60"]);
});

test("sizes that the log never had are refused by name", async () => {
  const tenant = await newTenant();
  await logAll(tenant);
  for (const [earlier, size] of [
    [2, 1],
    [1, 9999],
  ]) {
    const query = { earlier: String(earlier), size: String(size) };
    const { status, json } = await call("audit.consistency", { ...as(tenant), query });
    expect([status, json.errors[0].parameter]).toEqual([422, "size"]);
  }
});

test("who sees some locations alone gets no proof of what happened elsewhere", async () => {
  const tenant = await newTenant();
  await logAll(tenant);
  const made = await call("api-keys.create", {
    ...as(tenant),
    body: { name: "Counter", scopes: ["audit:read"], locationIds: [tenant.locationIds[0]] },
  });
  const limited = { tenant: tenant.slug, as: made.json.key };
  const seen = await call("audit.list", { ...limited, query: { limit: "100" } });
  const mine = new Set(seen.json.data.map(({ id }: { id: string }) => id));
  const rows = await rowsOf<{ id: string }>(
    tenant.cell.database,
    "select id from audit_log where tenant_id = ? order by seq limit 60",
    tenant.tenantId,
  );
  expect([mine.size > 0, rows.some(({ id }) => !mine.has(id))]).toEqual([true, true]);
  for (const { id } of rows) {
    const { status } = await call("audit.proof", { ...limited, params: { auditId: id } });
    expect(status, id).toBe(mine.has(id) ? 200 : 404);
  }
  const absent = await call("audit.proof", { ...as(tenant), params: { auditId: newId("aud") } });
  expect(absent.status).toBe(404);
});

async function publishedKey(): Promise<Uint8Array<ArrayBuffer>> {
  const { json } = await call("audit.keys", {});
  expect(json.keys[0].algorithm).toBe("Ed25519");
  return Uint8Array.fromBase64(json.keys[0].publicKey);
}

test("leaves are told beside the rows as they stand: one that is edited, deleted or not yet logged shows", async () => {
  const tenant = await newTenant();
  await logAll(tenant);
  const { database } = tenant.cell;
  const untouched = await leavesOf(tenant);
  expect(untouched.map(({ index }) => index)).toEqual(untouched.map((_, at) => at));
  for (const { hash, entry } of untouched) expect(hash).toBe((await hashLeaf(utf8(entry ?? ""))).toBase64());

  await addNotes(tenant, 2);
  for (const name of ["update", "delete"])
    await database.exec(`drop trigger if exists audit_log_refuses_${name}`);
  const edit = (text: string) => database.prepare(text).bind(tenant.tenantId).run();
  await edit(
    "insert into purge_permits (tenant_id, upto_seq, reason, created_at) values (?, 2, 'test', '2026')",
  );
  await edit("delete from audit_log where tenant_id = ? and seq in (2, 4)");
  await edit("update audit_log set actor_id = 'mbr_x' where tenant_id = ? and seq = 3");
  const after = await leavesOf(tenant);
  expect(after.slice(0, untouched.length).map(({ hash }) => hash)).toEqual(untouched.map(({ hash }) => hash));
  expect(after.slice(1, 4).map(({ entry }) => entry !== null)).toEqual([false, true, false]);
  expect(after[2]?.entry).not.toBe(untouched[2]?.entry);
  expect(after.slice(untouched.length).map(({ hash, entry }) => [hash, entry !== null])).toEqual([
    [null, true],
    [null, true],
  ]);
});

test("rows that a reader's replica lacks are not told as missing", async () => {
  const tenant = await newTenant();
  await logAll(tenant);
  const all = await leavesOf(tenant);
  const { database } = tenant.cell;
  // A snapshot of before the newest two: neither they nor their numbers are in it.
  await database.exec("drop trigger if exists audit_log_refuses_delete");
  const edit = (text: string) =>
    database
      .prepare(text)
      .bind(all.length - 2, tenant.tenantId)
      .run();
  await edit("delete from audit_log where seq > ? and tenant_id = ?");
  await edit("update counters set value = ? where tenant_id = ? and name = 'audit'");
  expect(await leavesOf(tenant)).toEqual(all.slice(0, -2));
});

test("whoever sees some of the rows is told no leaves", async () => {
  const tenant = await newTenant();
  const [locationId] = tenant.locationIds;
  const { json: limited } = await call("api-keys.create", {
    ...as(tenant),
    body: { name: "One place", scopes: ["audit:read"], locationIds: [locationId] },
  });
  const { status, json } = await call("audit.leaves", { tenant: tenant.slug, as: limited.key });
  expect([status, json.type]).toEqual([403, "/problems/forbidden"]);
});

async function leavesOf(tenant: TestTenant) {
  const leaves: { index: number; hash: string | null; entry: string | null }[] = [];
  for (let cursor: string | undefined; ; ) {
    const query = { limit: "7", ...(cursor === undefined ? {} : { cursor }) };
    const { json } = await call("audit.leaves", { ...as(tenant), query });
    leaves.push(...json.data);
    if (json.nextCursor === null) return leaves;
    cursor = json.nextCursor;
  }
}
