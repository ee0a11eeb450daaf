import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Hash } from "#crypto/merkle.ts";
import { entriesOf } from "#lib/entry-bundle.ts";
import { parseTilePath, tileWidth } from "#lib/tlog-tiles.ts";
import { originIn, type Row, RowLine } from "./rows.ts";
import type { LogCopy } from "./verify.ts";

const hashBytes = 32;

/** `/.well-known/audit-keys.json`. */
const KeysDocument = z.object({ keys: z.array(z.object({ publicKey: z.base64() })) });

/**
 * A copy of a tenant's part of the bucket (`tile/…`, `checkpoints/…`), or what `export-audit` wrote, with `audit-keys.json`, and the rows as
 * `audit.ndjson` where they were exported as well.
 */
export async function copyFromFolder(folder: string): Promise<LogCopy> {
  const names = (await readdir(folder, { recursive: true })).map((name) => name.replaceAll("\\", "/"));
  const text = (name: string) => readFile(join(folder, name), "utf8");
  const heads = await Promise.all(names.filter((name) => /^checkpoints\/\d+$/.test(name)).map(text));
  const { keys } = KeysDocument.parse(JSON.parse(await text("audit-keys.json")));
  const rows = names.includes("audit.ndjson") ? rowsIn(await text("audit.ndjson")) : null;
  const leaves = await tilesIn(folder, names, 0, (bytes) => hashesIn(bytes));
  const hasEntries = names.some((name) => name.startsWith("tile/entries/"));
  const entries = hasEntries ? await tilesIn(folder, names, null, (bytes) => entriesOf(bytes) ?? []) : null;
  return {
    origin: originIn(heads),
    publicKeys: keys.map(({ publicKey }) => Uint8Array.fromBase64(publicKey)),
    heads,
    leaves,
    entries,
    rows,
    readAt: null,
  };
}

/** Of each tile the widest that is there, one after the other, as far as none is missing. */
async function tilesIn<T>(
  folder: string,
  names: readonly string[],
  level: number | null,
  read: (bytes: Uint8Array<ArrayBuffer>) => T[],
): Promise<T[]> {
  const widest = new Map<number, { width: number; name: string }>();
  for (const name of names) {
    const tile = parseTilePath(name);
    if (tile?.level !== level || !tile) continue;
    if (tile.width > (widest.get(tile.index)?.width ?? 0))
      widest.set(tile.index, { width: tile.width, name });
  }
  const all: T[] = [];
  for (let index = 0; ; index += 1) {
    const tile = widest.get(index);
    if (!tile) return all;
    all.push(...read(new Uint8Array(await readFile(join(folder, tile.name)))));
    if (tile.width < tileWidth) return all;
  }
}

function hashesIn(bytes: Uint8Array<ArrayBuffer>): Hash[] {
  return Array.from({ length: Math.floor(bytes.length / hashBytes) }, (_, at) =>
    bytes.slice(at * hashBytes, (at + 1) * hashBytes),
  );
}

function rowsIn(text: string): Row[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => RowLine.parse(JSON.parse(line)));
}
