import { createHash } from "node:crypto";
import { z } from "zod";
import { canonicalJson, type Json } from "#lib/canonical-json.ts";

/** An audit row as it stands in the database now: the entry that it would be in the log. */
export type Row = Readonly<Record<string, Json>> & { readonly seq: number };

/** A line of `audit.ndjson`: an entry of the log, as `entryOf` makes it of a row. */
export const RowLine = z.custom<Row>(
  (value) => z.looseObject({ seq: z.int(), id: z.string() }).safeParse(value).success,
);

/** The log that the heads name, which their signatures are over; all are held to it. */
export function originIn([head = ""]: readonly string[]): string {
  return head.split("\n")[0] ?? "";
}

export type FaultKind = "edited" | "deleted" | "inserted" | "reordered" | "truncated";

/** The first row that is not what was logged. */
export interface RowFault {
  readonly kind: FaultKind;
  /** The row's number; of two that were reordered, the lower one. */
  readonly seq: number;
  /** The other row of two that were reordered. */
  readonly other?: number;
}

/** What the rows say of a log. `leaves` are the hashes of its leaves as hex, that of row 1 first. */
export interface RowVerdict {
  readonly fault: RowFault | null;
  /** Rows that are gone under a permit: the oldest, one after the other. */
  readonly purged: number;
  /** Rows that came after the log's newest leaf. */
  readonly notYetLogged: number;
}

/** Which leaves a row may be that is not the one of its own number. */
export type Candidates = (row: Row) => Iterable<number>;

/** By the rows' ids, where what was logged is at hand. */
export function candidatesById(logged: Iterable<{ readonly id: unknown; readonly seq: number }>): Candidates {
  const byId = new Map([...logged].map(({ id, seq }) => [id, seq]));
  return (row) => {
    const seq = byId.get(row.id);
    return seq === undefined ? [] : [seq];
  };
}

/**
 * Holds the rows against the leaves, from the first on. A row that was deleted or inserted leaves a gap, or all after it
 * renumbered: which of them it was shows by holding its neighbours against the leaf next to their own.
 */
export function compareRows(
  rows: readonly Row[],
  leaves: readonly string[],
  candidates: Candidates = () => leaves.map((_, at) => at + 1),
): RowVerdict {
  return compareAfter(permittedUpTo(rows, leaves), rows, leaves, candidates);
}

/** The same where the oldest rows, up to this one, may be gone. */
export function compareAfter(
  permitted: number,
  rows: readonly Row[],
  leaves: readonly string[],
  candidates: Candidates,
): RowVerdict {
  const byNumber = new Map<number, Row>();
  for (const row of rows) {
    if (byNumber.has(row.seq) || row.seq < 1) return verdict({ kind: "inserted", seq: row.seq });
    byNumber.set(row.seq, row);
  }
  const last = Math.max(0, ...byNumber.keys());
  let purged = 0;
  for (let seq = 1; seq <= Math.max(leaves.length, last); seq += 1) {
    const row = byNumber.get(seq);
    // Those that came after the newest leaf have nothing to be held against, but their numbers.
    if (row && (seq > leaves.length || isLeaf(row, seq, leaves))) continue;
    // What goes under a permit goes from the oldest on.
    if (!row && seq <= permitted && purged === seq - 1) purged += 1;
    else if (!row) return verdict({ kind: seq > last ? "truncated" : "deleted", seq }, purged);
    else return verdict(faultAt(seq, row, byNumber, leaves, candidates), purged);
  }
  return { fault: null, purged, notYetLogged: Math.max(0, last - leaves.length) };
}

const Permit = z.object({ entity: z.literal("purge-permit"), row: z.object({ uptoSeq: z.int() }) });

/** A permit counts where it stands in the log, for everybody to see, and never for rows after itself. */
function permittedUpTo(rows: readonly Row[], leaves: readonly string[]): number {
  return rows.reduce((most, row) => {
    const permit = Permit.safeParse(row);
    const counts = permit.success && isLeaf(row, row.seq, leaves);
    return counts ? Math.max(most, Math.min(permit.data.row.uptoSeq, row.seq - 1)) : most;
  }, 0);
}

function verdict(fault: RowFault, purged = 0): RowVerdict {
  return { fault, purged, notYetLogged: 0 };
}

function faultAt(
  seq: number,
  row: Row,
  byNumber: ReadonlyMap<number, Row>,
  leaves: readonly string[],
  candidates: Candidates,
): RowFault {
  const next = byNumber.get(seq + 1);
  const isNextOfThis = next !== undefined && isLeaf(next, seq, leaves);
  const isThisOfNext = isLeaf(row, seq + 1, leaves);
  if (isNextOfThis && !isThisOfNext) return { kind: "inserted", seq };
  if (isThisOfNext && !isNextOfThis) return { kind: "deleted", seq };
  const other = [...candidates(row)].find((number) => number !== seq && isLeaf(row, number, leaves));
  return other !== undefined ? { kind: "reordered", seq, other } : { kind: "edited", seq };
}

/** Would this row, had it this number, be the leaf of that number. */
function isLeaf(row: Row, seq: number, leaves: readonly string[]): boolean {
  return leaves[seq - 1] === leafOf(row, seq);
}

function leafOf(row: Row, seq: number): string {
  const entry = canonicalJson({ ...row, seq });
  return createHash("sha256").update(Uint8Array.of(0)).update(entry, "utf8").digest("hex");
}
