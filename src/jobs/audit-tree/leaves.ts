import type { TileHash } from "#crypto/growing-tree.ts";
import type { Hash } from "#crypto/merkle.ts";
import { tileWidth } from "#lib/tlog-tiles.ts";
import type { TreeOwner } from "#platform/audit-trees.ts";

/** What a tree is, besides its hashes. */
export interface TreeState {
  readonly owner: TreeOwner;
  readonly size: number;
  /** The newest head, signed. */
  readonly note: string;
  /** The size that the bucket has a checkpoint of. */
  readonly published: number;
  /** The size that the database is known to have marked: never less there, but in a copy from before. */
  readonly marked?: number;
}

/** A tile whose hashes are all there, and its entries where it is one of leaves. */
export interface HeldTile {
  readonly level: number;
  readonly index: number;
  readonly hashes: readonly Hash[];
}

/**
 * What of a tree is not in its bucket yet: the entries and hashes of tiles that are not full, or not put. SQLite of the
 * Durable Object: what is written together stands together, so the files of the log follow from what was decided here
 * once, whatever the audit's rows say later.
 */
export class Leaves {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    const { sql } = storage;
    sql.exec(
      "create table if not exists tree (one integer primary key check (one = 1), state text not null)",
    );
    sql.exec("create table if not exists entries (leaf integer primary key, bytes blob not null)");
    sql.exec(
      "create table if not exists hashes (level integer, leaf integer, hash blob not null, primary key (level, leaf)) without rowid",
    );
  }

  state(): TreeState | null {
    const [row] = this.#rows<{ state: string }>("select state from tree");
    return row ? JSON.parse(row.state) : null;
  }

  /**
   * What the tree is called since its first leaf, whatever the deployment's address is later: heads of two names are
   * two logs to whoever verifies.
   */
  origin(): string | null {
    return this.state()?.note.split("\n")[0] ?? null;
  }

  /** The tree as it is now, with what made it so, in one transaction. */
  grow(state: TreeState, entries: readonly Uint8Array<ArrayBuffer>[], hashes: readonly TileHash[]): void {
    const { sql } = this.#storage;
    this.#storage.transactionSync(() => {
      const first = state.size - entries.length;
      for (const [at, bytes] of entries.entries())
        sql.exec("insert into entries (leaf, bytes) values (?, ?)", first + at, bytes.buffer);
      for (const { level, index, hash } of hashes)
        sql.exec("insert into hashes (level, leaf, hash) values (?, ?, ?)", level, index, hash.buffer);
      this.keep(state);
    });
  }

  keep(state: TreeState): void {
    this.#storage.sql.exec("insert or replace into tree (one, state) values (1, ?)", JSON.stringify(state));
  }

  /** The full tiles that are not known to be in the bucket. */
  fullTiles(): HeldTile[] {
    return this.#rows<{ level: number; tile: number }>(
      `select level, leaf / ${tileWidth} as tile from hashes group by level, tile having count(*) = ${tileWidth} order by level, tile`,
    ).map(({ level, tile }) => ({
      level,
      index: tile,
      hashes: this.hashes(level, tile * tileWidth, tileWidth),
    }));
  }

  /** As many of these as are held here. */
  hashes(level: number, from: number, count: number): Hash[] {
    return this.#rows<{ hash: ArrayBuffer }>(
      "select hash from hashes where level = ? and leaf >= ? and leaf < ? order by leaf",
      level,
      from,
      from + count,
    ).map(({ hash }) => new Uint8Array(hash));
  }

  entries(from: number, count: number): Uint8Array<ArrayBuffer>[] {
    return this.#rows<{ bytes: ArrayBuffer }>(
      "select bytes from entries where leaf >= ? and leaf < ? order by leaf",
      from,
      from + count,
    ).map(({ bytes }) => new Uint8Array(bytes));
  }

  /** A tile that lies in the bucket is read from there. */
  forget({ level, index }: HeldTile): void {
    const [from, until] = [index * tileWidth, (index + 1) * tileWidth];
    const { sql } = this.#storage;
    this.#storage.transactionSync(() => {
      sql.exec("delete from hashes where level = ? and leaf >= ? and leaf < ?", level, from, until);
      if (level === 0) sql.exec("delete from entries where leaf >= ? and leaf < ?", from, until);
    });
  }

  #rows<T>(text: string, ...values: (string | number)[]): T[] {
    // SQLite's own columns, as the statements above name them.
    return this.#storage.sql.exec(text, ...values).toArray() as T[];
  }
}
