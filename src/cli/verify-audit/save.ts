import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { canonicalJson } from "#lib/canonical-json.ts";
import { tilePath, tileWidth } from "#lib/tlog-tiles.ts";
import type { LogCopy } from "./verify.ts";

/** Writes a copy as `copyFromFolder` reads it. @throws Error where the folder is not empty of it */
export async function saveCopy(copy: LogCopy, folder: string): Promise<void> {
  const put = async (name: string, content: string | Uint8Array) => {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    // A file of an earlier copy is somebody's proof.
    await writeFile(path, content, { flag: "wx" });
  };
  const keys = copy.publicKeys.map((key) => ({ algorithm: "Ed25519", publicKey: key.toBase64() }));
  await put("audit-keys.json", JSON.stringify({ keys }));
  for (const head of copy.heads) await put(`checkpoints/${head.split("\n")[1]}`, head);
  for (let index = 0; index * tileWidth < copy.leaves.length; index += 1) {
    const hashes = copy.leaves.slice(index * tileWidth, (index + 1) * tileWidth);
    await put(tilePath({ level: 0, index, width: hashes.length }), Buffer.concat(hashes));
  }
  if (copy.rows) await put("audit.ndjson", copy.rows.map((row) => `${canonicalJson(row)}\n`).join(""));
}
