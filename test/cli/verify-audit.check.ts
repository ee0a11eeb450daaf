import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { copyFromFolder } from "#cli/verify-audit/folder.ts";
import { candidatesById, compareAfter, compareRows, type Row } from "#cli/verify-audit/rows.ts";
import { type LogCopy, verifyLog, withEarlier } from "#cli/verify-audit/verify.ts";
import { checkpointText } from "#crypto/checkpoint.ts";
import { importSigner, newEd25519Pair } from "#crypto/ed25519.ts";
import { grow, hashesFrom, withNew } from "#crypto/growing-tree.ts";
import { type Hash, hashLeaf, rootOf } from "#crypto/merkle.ts";
import { signNote } from "#crypto/signed-note.ts";
import { canonicalJson } from "#lib/canonical-json.ts";
import { bundleOf } from "#lib/entry-bundle.ts";
import { tilePath, tilesOf, tileWidth } from "#lib/tlog-tiles.ts";
import { utf8 } from "#lib/utf8.ts";

const size = 10_000;
const origin = "shop.example/audit/ten_x";
const rows: readonly Row[] = Array.from({ length: size }, (_, at) => rowOf(at + 1, `aud_${at}`));
const hex = rows.map(({ seq }) => leafHex(seq));
const byId = candidatesById(rows.map(({ seq, id }) => ({ seq, id })));
let copy: LogCopy;
let folder: string;
let pair: Awaited<ReturnType<typeof newEd25519Pair>>;
let signer: CryptoKey;

before(async () => {
  pair = await newEd25519Pair();
  signer = await importSigner(pair);
  const entries = rows.map((row) => utf8(canonicalJson(row)));
  const leaves = await Promise.all(entries.map(hashLeaf));
  const none = () => Promise.reject(new Error("none"));
  const hashes = await grow(0, leaves, none);
  const read = hashesFrom(withNew(none, hashes));
  const headOf = async (at: number) =>
    signNote(
      checkpointText({ origin, size: at, root: await rootOf(at, read) }),
      { name: origin, publicKey: pair.publicKey },
      signer,
    );
  const heads = await Promise.all([1, 255, 256, 4000, size].map(headOf));
  copy = { origin, publicKeys: [pair.publicKey], heads, leaves, entries, rows, readAt: null };
  folder = await mkdtemp(join(tmpdir(), "keyline-log-"));
  for (const tile of tilesOf(size)) {
    const own = hashes.filter(
      ({ level, index }) => level === tile.level && Math.floor(index / tileWidth) === tile.index,
    );
    await put(tilePath(tile), Buffer.concat(own.map(({ hash }) => hash)));
    if (tile.level === 0)
      await put(
        tilePath({ ...tile, level: null }),
        bundleOf(entries.slice(tile.index * tileWidth).slice(0, tile.width)),
      );
  }
  for (const [at, head] of heads.entries()) await put(`checkpoints/${[1, 255, 256, 4000, size][at]}`, head);
  await put("audit-keys.json", JSON.stringify({ keys: [{ publicKey: pair.publicKey.toBase64() }] }));
  await put("audit.ndjson", rows.map((row) => canonicalJson(row)).join("\n"));
});

after(() => rm(folder, { recursive: true }));

test("an untouched copy, at hand or in a folder, has no fault", async () => {
  for (const given of [copy, await copyFromFolder(folder)]) {
    const findings = await verifyLog(given);
    assert.deepEqual(findings, [
      { isFault: false, text: `${size} leaves under 5 signed heads, the newest of size ${size}.` },
      { isFault: false, text: restsOn() },
    ]);
  }
});

test("the command names what is wrong, and fails by it; what is typed wrongly is told how it is typed", async () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ["src/cli/keyline.ts", "verify-audit", ...args], { encoding: "utf8" });
  const good = run(folder);
  assert.deepEqual(
    [
      good.status,
      good.stdout
        .split("\n")
        .map((line) => line.trim())
        .filter(Boolean),
    ],
    [0, [`${size} leaves under 5 signed heads, the newest of size ${size}.`, restsOn()]],
  );
  const lines = rows.map((row) => canonicalJson(row.seq === 4711 ? { ...row, actor_id: "mallory" } : row));
  await put("audit.ndjson", lines.join("\n"));
  const bad = run(folder);
  assert.deepEqual([bad.status, bad.stdout.split("\n")[0]], [1, "FAULT  Row 4711 was edited."]);
  await put("audit.ndjson", rows.map((row) => canonicalJson(row)).join("\n"));
  for (const args of [[], [folder, folder, folder], [folder, "--tenant", "x"], [folder, "--remote"]]) {
    const { status, stderr } = run(...args);
    assert.deepEqual([status, stderr.includes("verify-audit <folder, or")], [1, true], args.join(" "));
  }
});

test("every single row that is edited, deleted, inserted, swapped or cut off is named", () => {
  for (let seq = 1; seq <= size; seq += 1) {
    const [head, tail] = [rows.slice(Math.max(0, seq - 5), seq - 1), rows.slice(seq, seq + 5)];
    const row = rows[seq - 1] as Row;
    const next = rows[seq];
    const cases: [string, readonly Row[], object][] = [
      ["an edit", [...head, { ...row, actor_id: "mallory" }, ...tail], { kind: "edited", seq }],
      ["a deletion", [...head, ...tail], { kind: seq === size ? "truncated" : "deleted", seq }],
      ["a truncation", head, { kind: "truncated", seq }],
      [
        "an insertion of the number it has",
        [...head, row, { ...row, id: "aud_more" }, ...tail],
        { kind: "inserted", seq },
      ],
    ];
    if (next)
      cases.push([
        "a swap",
        [...head, { ...next, seq }, { ...row, seq: seq + 1 }, ...tail.slice(1)],
        { kind: "reordered", seq, other: seq + 1 },
      ]);
    for (const [what, tampered, fault] of cases)
      assert.deepEqual(firstFault(tampered, seq), fault, `${what} at ${seq}`);
  }
});

test("a row that is deleted or inserted with all after it renumbered is named, and so are two far apart", () => {
  for (const seq of [1, 2, 256, 257, 5000, size - 1]) {
    const [head, tail] = [rows.slice(0, seq - 1), rows.slice(seq)];
    const row = rows[seq - 1] as Row;
    const renumbered = (from: readonly Row[], first: number) =>
      from.map((each, at) => ({ ...each, seq: first + at }));
    assert.deepEqual(compareRows([...head, ...renumbered(tail, seq)], hex).fault, {
      kind: "deleted",
      seq,
    });
    const forged = { ...row, id: "aud_forged" };
    assert.deepEqual(compareRows([...head, forged, ...renumbered([row, ...tail], seq + 1)], hex).fault, {
      kind: "inserted",
      seq,
    });
    const other = seq === 1 ? 9000 : 1;
    const swapped = rows.map((each) =>
      each.seq === seq
        ? { ...(rows[other - 1] as Row), seq }
        : each.seq === other
          ? { ...row, seq: other }
          : each,
    );
    assert.deepEqual(compareRows(swapped, hex).fault, {
      kind: "reordered",
      seq: Math.min(seq, other),
      other: Math.max(seq, other),
    });
  }
});

test("what is gone under a permit that is in the log is told from what somebody deleted", () => {
  const permit = (seq: number, uptoSeq: number): Row => ({
    ...rowOf(seq, "aud_permit"),
    entity: "purge-permit",
    row: { uptoSeq },
  });
  const logged = rows.with(499, permit(500, 100));
  const leaves = hex.with(499, leafOf(permit(500, 100)));
  const without = (from: readonly Row[], ...gone: number[]) => from.filter(({ seq }) => !gone.includes(seq));
  const kept = logged.slice(100);
  assert.deepEqual(compareRows(kept, leaves), { fault: null, purged: 100, notYetLogged: 0 });
  const deleted = (seq: number) => ({ kind: "deleted", seq });
  assert.deepEqual(compareRows(without(kept, 101), leaves).fault, deleted(101), "more than it says");
  assert.deepEqual(compareRows(without(kept, 150), leaves).fault, deleted(150));
  assert.deepEqual(compareRows(without(logged, 3), leaves).fault, deleted(3), "not the oldest");
  const edited = logged.map((row) => (row.seq === 50 ? { ...row, id: "x" } : row));
  assert.deepEqual(compareRows(edited, leaves).fault, { kind: "edited", seq: 50 });
  // A permit that is in no log is nobody's: one that was written in, one that was edited, one that came too late.
  assert.deepEqual(compareRows(kept, hex).fault, deleted(1));
  assert.deepEqual(compareRows(kept.with(399, permit(500, 101)), leaves).fault, deleted(1));
  assert.deepEqual(compareRows([...rows.slice(100), permit(size + 1, 100)], hex).fault, deleted(1));
  // None lets anything go that came after it.
  const greedy = [...rows.slice(0, 499), permit(500, size), ...rows.slice(500)];
  const theirs = hex.with(499, leafOf(permit(500, size)));
  assert.deepEqual(compareRows(greedy.slice(0, 9000), theirs).fault, { kind: "truncated", seq: 9001 });
});

test("a gap among rows that are not in the log yet is a deletion, and a log that stands still is told", async () => {
  const later = [1, 2, 4].map((more) => rowOf(size + more, `aud_new${more}`));
  assert.deepEqual(compareRows([...rows, ...later], hex).fault, { kind: "deleted", seq: size + 3 });
  const late = { ...rowOf(size + 1, "aud_late"), created_at: "2026-11-22T10:00:00.000Z" };
  const at = (readAt: string) => ({ ...copy, rows: [...rows, late], readAt: Date.parse(readAt) });
  const faults = async (given: LogCopy) =>
    (await verifyLog(given)).flatMap(({ isFault, text }) => (isFault ? [text] : []));
  assert.deepEqual(await faults(at("2026-11-22T10:09:00.000Z")), []);
  assert.deepEqual(await faults(at("2026-11-22T10:11:00.000Z")), [
    `Row ${size + 1} of 2026-11-22T10:00:00.000Z is not in the log yet: it stands still.`,
  ]);
});

test("rows that came after the copy's newest leaf are no fault", () => {
  const more = [...rows, rowOf(size + 1, "aud_new")];
  assert.deepEqual(compareRows(more, hex), { fault: null, purged: 0, notYetLogged: 1 });
});

test("leaves that no head is signed over are told from those that are proven", async () => {
  const findings = await verifyLog({ ...copy, heads: copy.heads.slice(0, 4), rows: null });
  assert.deepEqual(
    findings.map(({ text }) => text),
    [
      `${size} leaves under 4 signed heads, the newest of size 4000.`,
      "The leaves after 4000 are under no signed head yet: nothing proves them.",
      restsOn(),
    ],
  );
});

test("leaves, entries, heads and keys that were changed are found", async () => {
  const other = await newEd25519Pair();
  const wrong = new Uint8Array(32) as Hash;
  const at = <T>(items: readonly T[], index: number, item: T) => items.with(index, item);
  const cases: [Partial<LogCopy>, RegExp][] = [
    [{ leaves: at(copy.leaves, 300, wrong), entries: null, rows: null }, /first 4000 leaves are not those/],
    [
      { leaves: copy.leaves.slice(0, 9_000), entries: null, rows: null },
      /head of size 10000 was signed, and the log ends at 9000/,
    ],
    [{ entries: at(copy.entries ?? [], 7, utf8("{}")) }, /own entry 8 is not what its hash is of/],
    [{ entries: copy.entries?.slice(1) ?? null, rows: null }, /own entry 1 is not/],
    [{ publicKeys: [other.publicKey] }, /not signed by a known key/],
    [{ origin: "else.example/audit/ten_x" }, /not signed by a known key for else/],
    [{ heads: [] }, /no signed head/],
    [{ heads: copy.heads.map((note) => note.replace("\n4000\n", "\n4001\n")) }, /not signed by a known key/],
    [{ rows: rows.slice(0, 4000) }, /rows from 4001 on are gone/],
  ];
  for (const [changes, expected] of cases) {
    const findings = await verifyLog({ ...copy, ...changes });
    assert.match(findings.find(({ isFault }) => isFault)?.text ?? "nothing", expected);
  }
});

test("a log that was begun anew, with heads of its own, does not continue the copy that was kept", async () => {
  const short = { ...copy, leaves: copy.leaves.slice(1), entries: null, rows: null };
  const head = checkpointText({ origin, size: size - 1, root: await rootIn(short.leaves) });
  const anew = {
    ...short,
    heads: [await signNote(head, { name: origin, publicKey: pair.publicKey }, signer)],
  };
  const faults = async (held: LogCopy) =>
    (await verifyLog(held)).flatMap(({ isFault, text }) => (isFault ? [text] : []));
  assert.deepEqual(await faults(anew), []);
  assert.match((await faults(withEarlier(anew, copy)))[0] ?? "nothing", /first 1 leaves are not those/);
  // A year later: the same log, with heads of a key that the copy does not know.
  const next = await newEd25519Pair();
  const later = await signNote(
    checkpointText({ origin, size, root: await rootIn(copy.leaves) }),
    { name: origin, publicKey: next.publicKey },
    await importSigner(next),
  );
  const since = { ...copy, heads: [later], publicKeys: [next.publicKey, pair.publicKey] };
  assert.deepEqual(await faults(withEarlier(since, copy)), []);
});

// The row in question and a few about it: those before are the log's own, and those after repeat themselves.
function firstFault(tampered: readonly Row[], seq: number) {
  const [from, until] = [Math.max(0, seq - 3), Math.min(size, seq + 3)];
  const window = tampered.filter((row) => row.seq > from && row.seq <= until);
  return compareAfter(from, window, hex.slice(0, until), byId).fault;
}

async function rootIn(leaves: readonly Hash[]): Promise<Hash> {
  const none = () => Promise.reject(new Error("none"));
  return await rootOf(leaves.length, hashesFrom(withNew(none, await grow(0, leaves, none))));
}

function restsOn(): string {
  const [key] = copy.publicKeys;
  return `All of it rests on the log's name and keys; compare them with those you know: ${origin}, ${key?.toBase64()}`;
}

function rowOf(seq: number, id: string): Row {
  return {
    v: 1,
    tenant_id: "ten_x",
    seq,
    id,
    operation: "orders.create",
    actor_id: "key_x",
    row: { total: seq },
  };
}

function leafHex(seq: number): string {
  return leafOf(rows[seq - 1] as Row);
}

function leafOf(row: Row): string {
  return createHash("sha256").update(Uint8Array.of(0)).update(canonicalJson(row)).digest("hex");
}

async function put(name: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await writeFile(join(folder, name), content);
}
