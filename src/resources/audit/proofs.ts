import { z } from "zod";
import { auditEntry, checkpoints as published } from "#db/audit-query.ts";
import { mostKeysKept } from "#db/directory-tables.ts";
import { Timestamp, told, toldId, toldList, toldProse } from "#http/fields.ts";
import { publicOperation, readOperation, unauthenticatedOperation } from "#http/operation.ts";
import { Refusal, refuse } from "#http/outcome.ts";
import { pageOf, pageQuery } from "#http/page.ts";
import { typeId } from "#lib/typeid.ts";
import { fromUtf8 } from "#lib/utf8.ts";

// A transparency log over the audit (RFC 6962; https://c2sp.org/tlog-checkpoint): what anybody with a copy can verify.

const notYet = new Refusal("unavailable", { retryAfterSeconds: 60 }, []);

const Size = z
  .int()
  .min(0)
  .meta({ examples: [1042] });
const Hash = told(44, "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=").meta({
  description: "32 bytes, base64.",
});
const Note = toldProse(
  2000,
  "keyline.example/audit/ten_01jd5r0t6vf3h8k2m4n6p8q0rs\n1042\nn4bQ…\n\n— keyline.example/…\n",
).meta({
  description:
    "A signed note (https://c2sp.org/signed-note): the log's origin, its size and its root hash. The keys are at /.well-known/audit-keys.json.",
});

const Proof = toldList(Hash, 64);

export const proof = readOperation({
  mount: "tenant",
  method: "get",
  path: "/audit/{auditId}/proof",
  summary: "Prove that an audit row is in the log, under its newest signed head",
  can: "audit:read",
  expensive: true,
  store: "cell",
  params: z.object({ auditId: typeId("aud") }),
  returns: z
    .object({
      id: toldId("aud"),
      entry: toldProse(65_535, '{"id":"aud_…"}').meta({
        description:
          "The row as it was logged (RFC 8785); its leaf hash is SHA-256 of a zero byte and these.",
      }),
      index: Size.meta({ description: "Of the leaf; that of the first row is 0." }),
      size: Size.meta({ description: "Of the tree that the proof leads to." }),
      proof: Proof.meta({ description: "RFC 9162 section 2.1.3, from the leaf's sibling upwards." }),
      checkpoint: Note,
    })
    .meta({ id: "AuditProof" }),
  problems: ["not-found", "unavailable"],
  async run({ tenant, auditLog }, { params: { auditId } }) {
    const { entry } = await tenant.read({ entry: auditEntry(auditId) });
    if (!entry) return refuse("not-found");
    const index = entry.seq - 1;
    const found = await auditLog.inclusion(index);
    if (!found) return notYet;
    return {
      id: auditId,
      entry: fromUtf8(entry.bytes),
      index,
      size: found.size,
      proof: found.proof.map((hash) => hash.toBase64()),
      checkpoint: found.note,
    };
  },
});

export const checkpoint = readOperation({
  mount: "tenant",
  method: "get",
  path: "/audit/checkpoint",
  summary: "Read the newest signed head of the audit's log",
  can: "audit:read",
  store: "cell",
  returns: z.object({ size: Size, checkpoint: Note }).meta({ id: "AuditHead" }),
  problems: ["unavailable"],
  async run({ tenant, auditLog }) {
    // For the epoch: rights that were revoked read nothing more.
    await tenant.read({ newest: published(null, 1) });
    const head = await auditLog.head();
    return head ? { size: head.size, checkpoint: head.note } : notYet;
  },
});

const Published = z.object({ size: Size, checkpoint: Note, at: Timestamp }).meta({ id: "AuditCheckpoint" });

export const checkpoints = readOperation({
  mount: "tenant",
  method: "get",
  path: "/audit/checkpoints",
  summary: "List the heads that were published, one for each hour with changes, newest first",
  can: "audit:read",
  store: "cell",
  query: z.strictObject(pageQuery),
  returns: pageOf(Published),
  problems: ["invalid"],
  async run({ tenant, cursors }, { query: { limit, cursor } }) {
    const after = await cursors.open(cursor, {});
    if (after instanceof Refusal) return after;
    const { rows } = await tenant.read({
      rows: published(after === null ? null : Number(after), limit + 1),
    });
    return await cursors.page(
      rows,
      limit,
      {},
      ({ size }) => String(size),
      ({ size, note, at }) => ({ size, checkpoint: note, at }),
    );
  },
});

const SizeQuery = z.coerce
  .number()
  .int()
  .min(1)
  .max(Number.MAX_SAFE_INTEGER)
  .meta({ examples: [1] });

export const consistency = readOperation({
  mount: "tenant",
  method: "get",
  path: "/audit/consistency",
  summary: "Prove that the log of one size continues that of an earlier one",
  can: "audit:read",
  expensive: true,
  store: "cell",
  query: z.strictObject({ earlier: SizeQuery, size: SizeQuery }),
  returns: z
    .object({
      earlier: Size,
      size: Size,
      proof: Proof.meta({ description: "RFC 9162 section 2.1.4." }),
    })
    .meta({ id: "AuditConsistency" }),
  problems: ["invalid"],
  async run({ tenant, auditLog }, { query: { earlier, size } }) {
    await tenant.read({ newest: published(null, 1) });
    const found = await auditLog.consistency(earlier, size);
    if (!found)
      return new Refusal(
        "invalid",
        { errors: [{ parameter: "size", detail: "is below the earlier size, or above that of the log" }] },
        [],
      );
    return { earlier, size, proof: found.proof.map((hash) => hash.toBase64()) };
  },
});

export const keys = unauthenticatedOperation({
  mount: "public",
  method: "get",
  path: "/.well-known/audit-keys.json",
  summary: "The public keys that heads of audit logs are signed with",
  can: publicOperation({ because: "whoever verifies a log needs them" }),
  store: "none",
  returns: z
    .object({
      keys: toldList(
        z.object({ algorithm: z.literal("Ed25519"), publicKey: Hash, signsFrom: Timestamp }),
        mostKeysKept,
      ),
    })
    .meta({ id: "AuditKeys" }),
  problems: [],
  async run({ checkpointKeys }) {
    const known = await checkpointKeys();
    return {
      keys: known.map(({ publicKey, signsFrom }) => ({
        algorithm: "Ed25519" as const,
        publicKey: publicKey.toBase64(),
        signsFrom,
      })),
    };
  },
});
