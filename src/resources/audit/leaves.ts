import { z } from "zod";
import type { AuditEntry } from "#db/audit-entries.ts";
import { auditCount, auditEntries } from "#db/audit-query.ts";
import { told, toldProse } from "#http/fields.ts";
import { readOperation } from "#http/operation.ts";
import { Refusal, refuse } from "#http/outcome.ts";
import { pageOf, pageQuery } from "#http/page.ts";
import { fromUtf8 } from "#lib/utf8.ts";

const Leaf = z
  .object({
    index: z
      .int()
      .min(0)
      .meta({ examples: [1041] }),
    hash: told(44, "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=").nullable().meta({
      description: "What the log holds, for ever: 32 bytes, base64. null where the row is no leaf yet.",
    }),
    entry: toldProse(65_535, '{"id":"aud_…"}').nullable().meta({
      description:
        "The row as it stands now, in the form that is logged (RFC 8785): of an untouched row SHA-256 of a zero byte and these is the hash. null where there is no such row.",
    }),
  })
  .meta({ id: "AuditLeaf" });

/** All that somebody needs to hold the audit against its log: `npm run keyline -- verify-audit <url>` reads it. */
export const leaves = readOperation({
  mount: "tenant",
  method: "get",
  path: "/audit/leaves",
  summary: "List the log's leaves, oldest first, beside the rows as they stand now",
  can: "audit:read",
  expensive: true,
  store: "cell",
  query: z.strictObject(pageQuery),
  returns: pageOf(Leaf),
  problems: ["invalid", "forbidden"],
  async run({ tenant, principal, cursors, auditLog }, { query: { limit, cursor } }) {
    // Whoever sees some of the rows could not tell a row that is gone from one that is not theirs.
    if (principal.locations !== null || principal.assigneeId !== null) return refuse("forbidden");
    const after = await cursors.open(cursor, {});
    if (after instanceof Refusal) return after;
    const from = Number(after ?? 0);
    const { entries, count } = await tenant.read({
      entries: auditEntries(from, limit + 1),
      count: auditCount(),
    });
    // The log may be ahead of what was read, by rows that came since or that a replica lacks: those are not missing.
    const hashes = (await auditLog.leaves(from, limit + 1)).slice(0, Math.max(0, count - from));
    return await cursors.page(
      beside(from, hashes, entries),
      limit,
      {},
      ({ seq }) => String(seq),
      ({ seq, hash, entry }) => ({
        index: seq - 1,
        hash: hash?.toBase64() ?? null,
        entry: entry && fromUtf8(entry.bytes),
      }),
    );
  },
});

interface Beside {
  readonly seq: number;
  readonly hash: Uint8Array | null;
  readonly entry: AuditEntry | null;
}

function beside(from: number, hashes: readonly Uint8Array[], entries: readonly AuditEntry[]): Beside[] {
  const rows = new Map<number, Beside>(
    hashes.map((hash, at) => [from + at + 1, { seq: from + at + 1, hash, entry: null }]),
  );
  for (const entry of entries)
    rows.set(entry.seq, { seq: entry.seq, hash: rows.get(entry.seq)?.hash ?? null, entry });
  return [...rows.values()].toSorted((one, other) => one.seq - other.seq);
}
