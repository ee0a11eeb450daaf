import { DurableObject } from "cloudflare:workers";
import { checkpointText, originOf } from "#crypto/checkpoint.ts";
import { grow, hashesFrom, type ReadTile, withNew } from "#crypto/growing-tree.ts";
import { consistencyProof, type Hash, hashLeaf, inclusionProof, rootOf } from "#crypto/merkle.ts";
import { signNote } from "#crypto/signed-note.ts";
import { type AuditEntry, entriesAfter } from "#db/audit-entries.ts";
import { markLogged, recordCheckpoint } from "#db/audit-progress.ts";
import { resumeAfter } from "#db/audit-resume.ts";
import { Store } from "#db/store.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import { directoryKeys } from "#gate/directory-keys.ts";
import { alertPlatform } from "#jobs/alert-platform.ts";
import { wakeSinks } from "#jobs/audit-sinks/sink-wake-ups.ts";
import { hourMs, minuteMs } from "#lib/time.ts";
import { partialTilesOf, tileWidth } from "#lib/tlog-tiles.ts";
import { knownSinksFor } from "#platform/audit-sinks.ts";
import {
  auditStoresOf,
  type Consistency,
  type Inclusion,
  type TreeHead,
  TreeOwner,
} from "#platform/audit-trees.ts";
import { cellOf } from "#platform/cells.ts";
import { systemNow } from "#platform/clock.ts";
import type { AuditTreeRpc, Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { errorFields, log } from "#platform/log.ts";
import { alertOf, faultOf, RowMissing, RowsRolledBack } from "./faults.ts";
import { type HeldTile, Leaves } from "./leaves.ts";
import { LogFiles } from "./tiles.ts";

const rowsAtOnce = 200;
const roundsAtOnce = 20;
const mostLeavesAtOnce = 1000;

/**
 * The one writer of an owner's transparency log (RFC 6962): audit row `seq` is leaf `seq - 1`, and what is a leaf is
 * never written again. A row is decided on here, in one transaction with the head that says so; its files follow, and a
 * crash between leaves them to be put by the next call or alarm.
 */
export class AuditTree extends DurableObject<Env> implements AuditTreeRpc {
  readonly #leaves = new Leaves(this.ctx.storage);
  #turn: Promise<unknown> = Promise.resolve();

  /** Takes in the audit's rows that are not leaves yet, a bounded number. @returns whether there may be more */
  async append(payload: unknown): Promise<{ v: 1; isMore: boolean }> {
    const owner = TreeOwner.parse(payload);
    return await this.#inTurn(async () => {
      // A crash may have come between the leaves and the alarm.
      await this.#publishLater();
      const isMore = await this.#told(owner, async () => {
        const hasMore = await this.#takeIn(owner);
        await this.#putFullTiles();
        return hasMore;
      });
      const state = this.#leaves.state();
      if (state) {
        await markLogged(this.#driverOf(owner), state.size);
        if (state.marked !== state.size) this.#leaves.keep({ ...state, marked: state.size });
      }
      return { v: 1, isMore };
    });
  }

  /** The newest head; null before the first leaf. */
  async head(): Promise<TreeHead | null> {
    const state = this.#leaves.state();
    return state && { v: 1, size: state.size, note: state.note };
  }

  async inclusion(index: number): Promise<typeof Inclusion._output> {
    const state = this.#leaves.state();
    if (!state || !(index < state.size)) return null;
    const { size, note, owner } = state;
    const proof = await inclusionProof(index, size, hashesFrom(this.#readTile(owner)));
    return { v: 1, size, note, proof };
  }

  async consistency(earlier: number, size: number): Promise<typeof Consistency._output> {
    const state = this.#leaves.state();
    if (!state || !(earlier >= 1 && earlier <= size && size <= state.size)) return null;
    return { v: 1, proof: await consistencyProof(earlier, size, hashesFrom(this.#readTile(state.owner))) };
  }

  /** The hashes of so many leaves, or as many as there are. */
  async leaves(from: number, count: number): Promise<Hash[]> {
    const state = this.#leaves.state();
    const end = Math.min(from + count, state?.size ?? 0);
    if (!state || count > mostLeavesAtOnce) return [];
    const read = this.#readTile(state.owner);
    const hashes: Hash[] = [];
    while (from + hashes.length < end) {
      const at = from + hashes.length;
      // A tile is all in the bucket, or all here.
      const endOfTile = (Math.floor(at / tileWidth) + 1) * tileWidth;
      hashes.push(...(await read(0, at, Math.min(end, endOfTile) - at)));
    }
    return hashes;
  }

  /** Every hour in which something came: what is not full, and the head over it. */
  override async alarm(): Promise<void> {
    try {
      const owner = this.#leaves.state()?.owner;
      if (!owner) return;
      await this.#inTurn(() =>
        this.#told(owner, async () => {
          await this.#putFullTiles();
          await this.#publish();
        }),
      );
    } catch (error) {
      // The platform gives up on an alarm that fails six times; this one is never given up.
      log("error", "an audit tree could not be published", errorFields(error));
      await this.ctx.storage.setAlarm(systemNow() + minuteMs);
    }
  }

  /** What nobody but an operator can mend is told to them, whoever asked for the work. */
  async #told<T>(owner: TreeOwner, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const fault = faultOf(error);
      // Where it cannot be told either, what is amiss with the log is the error that counts.
      if (fault)
        await alertPlatform(this.env, alertOf(owner, fault), systemNow()).catch((failure: unknown) =>
          log("error", "what is amiss with a log could not be told", errorFields(failure)),
        );
      throw error;
    }
  }

  async #takeIn(owner: TreeOwner): Promise<boolean> {
    const driver = this.#driverOf(owner);
    for (let round = 0; round < roundsAtOnce; round += 1) {
      const { size = 0, marked = 0 } = this.#leaves.state() ?? {};
      const { entries, count, logged } = await entriesAfter(driver, size, rowsAtOnce);
      // Rows that came after a restore would take the numbers of leaves that there are, and never be any.
      if (count < size || logged < marked) {
        await this.#resume(owner, count, size);
        continue;
      }
      // Each row is counted in the batch that writes it.
      if (entries.length === 0 && count > size) throw new RowMissing(size + 1, null);
      if (entries.length === 0) return false;
      await this.#add(owner, size, entries);
      if (entries.length < rowsAtOnce) return false;
    }
    return true;
  }

  /** Goes on past what a restored copy lacks, where an operator has permitted it. @throws RowsRolledBack */
  async #resume(owner: TreeOwner, count: number, size: number): Promise<void> {
    const { database } = auditStoresOf(this.env, owner);
    const run = { job: "jobs.log-audit", requestId: newId("run"), now: systemNow() };
    const isResumed = await resumeAfter(database, owner.tenantId, { count, size }, run);
    if (!isResumed) throw new RowsRolledBack(count, size);
    const state = this.#leaves.state();
    if (state) this.#leaves.keep({ ...state, marked: size });
  }

  async #add(owner: TreeOwner, size: number, entries: readonly AuditEntry[]): Promise<void> {
    // Numbers are given within the rows' own transactions, so a gap is a row that somebody took away.
    for (const [at, { seq }] of entries.entries())
      if (seq !== size + at + 1) throw new RowMissing(size + at + 1, seq);
    const leaves = await Promise.all(entries.map(({ bytes }) => hashLeaf(bytes)));
    const read = this.#readTile(owner);
    const hashes = await grow(size, leaves, read);
    const grown = size + leaves.length;
    const root = await rootOf(grown, hashesFrom(withNew(read, hashes)));
    const origin = this.#leaves.origin() ?? originOf(this.env.PUBLIC_ORIGIN, owner.tenantId);
    const { checkpointSigner } = await directoryKeys(this.env, (keys) => keys.checkpointSigner !== null);
    if (!checkpointSigner)
      throw new Error("The directory holds no key for checkpoints yet; the cron makes one.");
    const { publicKey, signer } = checkpointSigner;
    const text = checkpointText({ origin, size: grown, root });
    const note = await signNote(text, { name: origin, publicKey }, signer);
    const { published = 0, marked = 0 } = this.#leaves.state() ?? {};
    this.#leaves.grow(
      { owner, size: grown, note, published, marked },
      entries.map(({ bytes }) => bytes),
      hashes,
    );
    await this.#publishLater();
  }

  async #publishLater(): Promise<void> {
    const state = this.#leaves.state();
    if (!state || state.published === state.size) return;
    const { storage } = this.ctx;
    if ((await storage.getAlarm()) === null) await storage.setAlarm(systemNow() + hourMs);
  }

  async #putFullTiles(): Promise<void> {
    const state = this.#leaves.state();
    if (!state) return;
    const files = this.#filesOf(state.owner);
    for (const tile of this.#leaves.fullTiles()) {
      if (tile.level === 0)
        await files.putEntries({ index: tile.index, width: tileWidth }, this.#entriesOf(tile, tileWidth));
      await files.putHashes({ level: tile.level, index: tile.index, width: tileWidth }, tile.hashes);
      this.#leaves.forget(tile);
    }
  }

  async #publish(): Promise<void> {
    const state = this.#leaves.state();
    if (!state || state.published === state.size) return;
    const { owner, size, note } = state;
    const files = this.#filesOf(owner);
    for (const tile of partialTilesOf(size)) {
      const hashes = this.#leaves.hashes(tile.level, tile.index * tileWidth, tile.width);
      const held = { ...tile, hashes };
      if (tile.level === 0) await files.putEntries(tile, this.#entriesOf(held, tile.width));
      await files.putHashes(tile, hashes);
    }
    await files.putCheckpoint(size, note);
    const sinks = knownSinksFor(this.env, owner.cell) ?? [];
    const places = sinks.map(({ place }) => place);
    await recordCheckpoint(this.#driverOf(owner), { size, note }, places, systemNow());
    this.#leaves.keep({ ...state, published: size });
    const cell = owner.cell === null ? null : cellOf(this.env, owner.cell);
    if (cell && sinks.length > 0)
      await wakeSinks(
        cell,
        sinks.map(({ name }) => ({ tenantId: owner.tenantId, sink: name })),
      );
  }

  #entriesOf({ index }: HeldTile, width: number) {
    const entries = this.#leaves.entries(index * tileWidth, width);
    if (entries.length !== width)
      throw new Error("The tree lacks entries of a tile that it did not put yet.");
    return entries;
  }

  // From here while they are here: a full tile that was put is read from the bucket.
  #readTile(owner: TreeOwner): ReadTile {
    const files = this.#filesOf(owner);
    return async (level, from, count) => {
      const held = this.#leaves.hashes(level, from, count);
      if (held.length === count) return held;
      const index = Math.floor(from / tileWidth);
      const tile = await files.hashes({ level, index, width: tileWidth });
      return tile.slice(from - index * tileWidth, from - index * tileWidth + count);
    };
  }

  #driverOf(owner: TreeOwner): TenantDriver {
    return new TenantDriver(
      new Store(auditStoresOf(this.env, owner).database, "first-primary"),
      owner.tenantId,
    );
  }

  #filesOf(owner: TreeOwner): LogFiles {
    return new LogFiles(auditStoresOf(this.env, owner).bucket, owner.tenantId);
  }

  // A second call waits for the first, so that no row is taken in by two.
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work);
    this.#turn = turn.catch(() => undefined);
    return await turn;
  }
}
