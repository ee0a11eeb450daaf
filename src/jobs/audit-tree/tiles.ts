import type { Hash } from "#crypto/merkle.ts";
import { bundleOf } from "#lib/entry-bundle.ts";
import { type Tile, tilePath } from "#lib/tlog-tiles.ts";
import { utf8 } from "#lib/utf8.ts";
import { putOnce } from "#platform/create-only.ts";

const hashBytes = 32;
const binary = "application/octet-stream";

/** The files of one log: `<tenant>/tile/…` and `<tenant>/checkpoints/<size>`, each put once and never changed. */
export class LogFiles {
  readonly #bucket: R2Bucket;
  readonly #prefix: string;

  constructor(bucket: R2Bucket, tenantId: string) {
    this.#bucket = bucket;
    this.#prefix = `${tenantId}/`;
  }

  /** @throws AlreadyOtherwise */
  async putHashes(tile: Tile & { level: number }, hashes: readonly Hash[]): Promise<void> {
    const bytes = new Uint8Array(hashes.length * hashBytes);
    for (const [at, hash] of hashes.entries()) bytes.set(hash, at * hashBytes);
    await this.#put(tilePath(tile), bytes, binary);
  }

  /** @throws AlreadyOtherwise */
  async putEntries(tile: Omit<Tile, "level">, entries: readonly Uint8Array[]): Promise<void> {
    await this.#put(tilePath({ ...tile, level: null }), bundleOf(entries), binary);
  }

  /** @throws AlreadyOtherwise */
  async putCheckpoint(size: number, note: string): Promise<void> {
    await this.#put(`checkpoints/${size}`, utf8(note), "text/plain; charset=utf-8");
  }

  /** A full tile's hashes. @throws Error where it is not there, or not whole */
  async hashes(tile: Tile & { level: number }): Promise<Hash[]> {
    const key = `${this.#prefix}${tilePath(tile)}`;
    const object = await this.#bucket.get(key);
    const bytes = object && new Uint8Array(await object.arrayBuffer());
    if (bytes?.length !== tile.width * hashBytes) throw new Error(`The log's file is missing or cut: ${key}`);
    return Array.from({ length: tile.width }, (_, at) => bytes.slice(at * hashBytes, (at + 1) * hashBytes));
  }

  async #put(path: string, bytes: Uint8Array<ArrayBuffer>, contentType: string): Promise<void> {
    await putOnce(this.#bucket, `${this.#prefix}${path}`, bytes, contentType);
  }
}
