import { z } from "zod";
import { parseCheckpoint } from "#crypto/checkpoint.ts";
import { importVerifier } from "#crypto/ed25519.ts";
import { grow, hashesFrom, type TileHash, withNew } from "#crypto/growing-tree.ts";
import { type Hash, hashLeaf, rootOf } from "#crypto/merkle.ts";
import { openNote } from "#crypto/signed-note.ts";
import { minuteMs } from "#lib/time.ts";
import { fromUtf8, utf8 } from "#lib/utf8.ts";
import { candidatesById, compareRows, type Row } from "./rows.ts";

// A row is in the log within a minute; this is no delay any more.
const loggedWithinMs = 10 * minuteMs;

/** A log as somebody has it: from its files, or as the API tells it. */
export interface LogCopy {
  /** Which log: `<host>/audit/<tenant>`. */
  readonly origin: string;
  /** Ed25519, as the deployment publishes them; they have to be known from before to prove anything. */
  readonly publicKeys: readonly Uint8Array<ArrayBuffer>[];
  /** Signed heads, of any age. */
  readonly heads: readonly string[];
  readonly leaves: readonly Hash[];
  /** What was logged, one for each leaf; null where only the hashes are at hand. */
  readonly entries: readonly Uint8Array<ArrayBuffer>[] | null;
  /** The rows as they stand in the database; null where they are not at hand. */
  readonly rows: readonly Row[] | null;
  /** When the rows were read, in ms since 1970; null where that is not known. */
  readonly readAt: number | null;
}

/** What was found, in words; the first is the one to look at. */
export interface Finding {
  readonly isFault: boolean;
  readonly text: string;
}

/** Holds heads against keys, leaves against heads, entries and rows against leaves. Needs nothing but the copy. */
export async function verifyLog(copy: LogCopy): Promise<Finding[]> {
  const findings: Finding[] = [];
  const found = (text: string) => findings.push({ isFault: true, text });
  const said = (text: string) => findings.push({ isFault: false, text });
  const heads = await signedHeads(copy, found);
  await compareHeads(copy.leaves, heads, found);
  for (const [index, entry] of (copy.entries ?? []).entries())
    if (!isSame(await hashLeaf(entry), copy.leaves[index]))
      found(`The log's own entry ${index + 1} is not what its hash is of.`);
  if (copy.entries && copy.entries.length !== copy.leaves.length)
    found(`The log has ${copy.leaves.length} leaves and ${copy.entries.length} entries.`);
  if (copy.rows) compareToRows(copy, copy.rows, found, said);
  const newest = heads.at(-1);
  if (newest) {
    said(
      `${copy.leaves.length} leaves under ${heads.length} signed heads, the newest of size ${newest.size}.`,
    );
    if (copy.leaves.length > newest.size)
      said(`The leaves after ${newest.size} are under no signed head yet: nothing proves them.`);
    const keys = copy.publicKeys.map((key) => key.toBase64()).join(", ");
    said(
      `All of it rests on the log's name and keys; compare them with those you know: ${copy.origin}, ${keys}`,
    );
  }
  return findings;
}

/**
 * The same copy held to an earlier one as well, whose heads it has to continue: what nobody can take back from whoever
 * kept them.
 */
export function withEarlier(copy: LogCopy, earlier: LogCopy): LogCopy {
  const known = new Set(earlier.publicKeys.map((key) => key.toBase64()));
  const newer = copy.publicKeys.filter((key) => !known.has(key.toBase64()));
  return {
    ...copy,
    origin: earlier.origin,
    publicKeys: [...earlier.publicKeys, ...newer],
    heads: [...new Set([...earlier.heads, ...copy.heads])],
  };
}

function compareToRows(
  { leaves, entries, readAt }: LogCopy,
  rows: readonly Row[],
  found: (text: string) => void,
  said: (text: string) => void,
): void {
  const hex = leaves.map((hash) => hash.toHex());
  const { fault, purged, notYetLogged } = compareRows(
    rows,
    hex,
    entries ? candidatesById(entries.map((entry, at) => ({ id: idIn(entry), seq: at + 1 }))) : undefined,
  );
  if (fault?.kind === "reordered") found(`Rows ${fault.seq} and ${fault.other} were reordered.`);
  else if (fault?.kind === "truncated")
    found(`The rows from ${fault.seq} on are gone: the audit was truncated.`);
  else if (fault) found(`Row ${fault.seq} was ${fault.kind}.`);
  if (purged > 0)
    said(`The ${purged} oldest rows are gone under a purge permit that is in the log; their leaves stand.`);
  const late = readAt === null ? undefined : rows.find((row) => isLate(row, leaves.length, readAt));
  if (late) found(`Row ${late.seq} of ${late.created_at} is not in the log yet: it stands still.`);
  else if (notYetLogged > 0) said(`${notYetLogged} rows are not in this copy of the log yet.`);
}

function isLate({ seq, created_at: at }: Row, logged: number, readAt: number): boolean {
  return seq > logged && typeof at === "string" && Date.parse(at) < readAt - loggedWithinMs;
}

interface Head {
  readonly size: number;
  readonly root: Hash;
}

/** By their size. */
async function signedHeads(copy: LogCopy, found: (text: string) => void): Promise<Head[]> {
  const heads: Head[] = [];
  for (const note of copy.heads) {
    const text = await openedBy(copy, note);
    const head = text === null ? null : parseCheckpoint(text);
    if (head?.origin === copy.origin) heads.push(head);
    else
      found(`A head is not signed by a known key for ${copy.origin}: ${JSON.stringify(note.slice(0, 120))}`);
  }
  if (copy.heads.length === 0) found("There is no signed head, so nothing can be proven.");
  return heads.toSorted((one, other) => one.size - other.size);
}

async function openedBy({ origin, publicKeys }: LogCopy, note: string): Promise<string | null> {
  for (const publicKey of publicKeys) {
    const text = await openNote(utf8(note), { name: origin, publicKey }, await importVerifier(publicKey));
    if (text !== null) return text;
  }
  return null;
}

async function compareHeads(
  leaves: readonly Hash[],
  heads: readonly Head[],
  found: (text: string) => void,
): Promise<void> {
  const hashes = await grow(0, leaves, nowhere);
  const read = hashesFrom(withNew(nowhere, hashes satisfies TileHash[]));
  for (const { size, root } of heads) {
    if (size > leaves.length)
      found(`A head of size ${size} was signed, and the log ends at ${leaves.length}: it was truncated.`);
    else if (!isSame(await rootOf(size, read), root))
      found(`The first ${size} leaves are not those that the head of that size was signed over.`);
  }
}

const nowhere = (): Promise<never> =>
  Promise.reject(new Error("A tree that starts empty has no earlier hashes."));

function isSame(one: Hash, other: Hash | undefined): boolean {
  return other !== undefined && one.toHex() === other.toHex();
}

function idIn(entry: Uint8Array): unknown {
  try {
    return z.looseObject({ id: z.string() }).parse(JSON.parse(fromUtf8(entry))).id;
  } catch {
    return null;
  }
}
