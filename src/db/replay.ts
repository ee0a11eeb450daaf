import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { exactToken } from "#crypto/blind-index.ts";
import { kidOf, open, SealError, seal } from "#crypto/envelope.ts";
import { dayMs, timestamp } from "#lib/time.ts";
import type { Change, Remove, Update } from "./changes.ts";
import type { RecordDraft } from "./commit.ts";
import { parseAssigned } from "./commit-statements.ts";
import type { Query } from "./queries.ts";
import type { Keys } from "./sealing.ts";
import { statementOf } from "./statement.ts";
import { metaOf } from "./tenant-table.ts";

/** One client's key for one operation, as it is looked up: no plaintext of the key or the body is kept. */
export interface ReplayKey {
  readonly principalId: string;
  readonly operation: string;
  readonly token: string;
  readonly fingerprint: string;
  /** The same under older index keys, where a record from before a rotation may stand. */
  readonly older: readonly { readonly token: string; readonly fingerprint: string }[];
}

/** Where its record lies. */
export type ReplayPlace = Pick<ReplayKey, "principalId" | "operation" | "token">;

/** What an earlier request with the same key was answered. */
export interface Replay {
  readonly fingerprint: string;
  /** null while an effect is under way. */
  readonly status: number | null;
  /** JSON text; null where its subject's key was destroyed since. */
  readonly answer: string | null;
  readonly assigned: Readonly<Record<string, number>>;
}

export async function replayKey(
  keys: Keys,
  given: { principalId: string; operation: string; key: string; request: string },
): Promise<ReplayKey> {
  const under = async (index: CryptoKey) => {
    const [token, fingerprint] = await Promise.all([
      exactToken(index, "idempotency-key", given.key),
      exactToken(index, "idempotency-fingerprint", given.request),
    ]);
    return { token, fingerprint };
  };
  const [current, ...olderKeys] = keys.ring.indexKeys();
  const older = await Promise.all(olderKeys.map(under));
  return {
    principalId: given.principalId,
    operation: given.operation,
    ...(await under(current)),
    older,
  };
}

/** The record of this key, where one stands and has not expired. */
export function replayQuery(key: ReplayKey, now: number): Query<Replay | null> {
  return {
    async statement({ tenantId }) {
      return statementOf(
        sql`select "idempotency"."fingerprint", "idempotency"."status", "idempotency"."answer", "idempotency"."subject_id", "idempotency"."key_token", "commits"."assigned", "subject_keys"."id" as "kid", "subject_keys"."wrapped" from "idempotency" left join "commits" on "commits"."tenant_id" = ${tenantId} and "commits"."id" = "idempotency"."commit_id" left join "subject_keys" on "subject_keys"."tenant_id" = ${tenantId} and "subject_keys"."subject_id" = "idempotency"."subject_id" where "idempotency"."tenant_id" = ${tenantId} and "idempotency"."principal_id" = ${key.principalId} and "idempotency"."operation" = ${key.operation} and ${keyTokenIn(key)} and "idempotency"."expires_at" > ${timestamp(now)}`,
      );
    },
    async decode({ keys }, rows) {
      if (!rows[0]) return null;
      const record = Stored.parse(rows[0]);
      const place = { ...key, token: record.key_token };
      return {
        fingerprint: translated(key, record),
        status: record.status,
        answer: await answerOf(keys, place, record),
        assigned: parseAssigned(rows),
      };
    },
  };
}

function keyTokenIn(key: ReplayKey): SQL {
  const tokens = [key.token, ...key.older.map(({ token }) => token)];
  const column = sql`"idempotency"."key_token"`;
  if (tokens.length === 1) return sql`${column} = ${key.token}`;
  return sql`${column} in (${sql.join(
    tokens.map((token) => sql`${token}`),
    sql`, `,
  )})`;
}

// What an older key says of the same request is what the newest would.
function translated(key: ReplayKey, record: z.infer<typeof Stored>): string {
  const isSame = key.older.some(
    ({ token, fingerprint }) => token === record.key_token && fingerprint === record.fingerprint,
  );
  return isSame ? key.fingerprint : record.fingerprint;
}

const Stored = z.object({
  fingerprint: z.string(),
  key_token: z.string(),
  status: z.int().nullable(),
  answer: z.string().nullable(),
  subject_id: z.string().nullable(),
  kid: z.string().nullable(),
  wrapped: z.string().nullable(),
});

async function answerOf(
  keys: Keys,
  key: ReplayPlace,
  record: z.infer<typeof Stored>,
): Promise<string | null> {
  if (record.answer === null) return null;
  if (record.subject_id === null) return await tenantsAnswer(keys, key, record.answer);
  if (record.kid === null || record.wrapped === null) return null;
  const subjectKey = await keys.ring.openSubjectKey(record.subject_id, {
    id: record.kid,
    wrapped: record.wrapped,
  });
  return await open(subjectKey, addressOf(keys, key), record.answer);
}

// JSON is never an envelope.
async function tenantsAnswer(keys: Keys, key: ReplayPlace, answer: string): Promise<string> {
  const kid = kidOf(answer);
  if (kid === null) return answer;
  const tenantKey = keys.ring.tenantKeyFor(kid);
  if (!tenantKey) throw new SealError("wrong-key", addressOf(keys, key));
  return await open(tenantKey, addressOf(keys, key), answer);
}

/**
 * An answer as it is kept: under the key of the person it tells of, where it tells of one, or else under the tenant's where
 * it may show a secret: one of a row that was written, or of one that was as wished already.
 */
export function sealedAnswer(keys: Keys, key: ReplayPlace, changes: readonly Change[], answer: string) {
  return async (): Promise<{ answer: string; subjectId: string | null }> => {
    const subjectId = subjectOf(changes, keys, answer);
    if (subjectId === null) {
      if (!mayTellSecrets(changes)) return { answer, subjectId: null };
      return { answer: await seal(keys.ring.tenantKey(), addressOf(keys, key), answer), subjectId: null };
    }
    return await sealedUnder(keys, key, subjectId, answer)();
  };
}

/** The same under the key of this person, which was met in this request. */
export function sealedUnder(keys: Keys, key: ReplayPlace, subjectId: string, answer: string) {
  return async (): Promise<{ answer: string; subjectId: string | null }> => {
    const subjectKey = keys.subjects.get(subjectId);
    // An answer about somebody who is erased tells nothing of them.
    if (subjectKey === null) return { answer, subjectId: null };
    if (!subjectKey) throw new Error("The key of the person an answer tells of was not opened.");
    return { answer: await seal(subjectKey, addressOf(keys, key), answer), subjectId };
  };
}

export function recordDraft(
  key: ReplayKey,
  given: Pick<RecordDraft, "status" | "intentId" | "seal"> & { now: number; days: number },
): RecordDraft {
  return {
    principalId: key.principalId,
    operation: key.operation,
    keyToken: key.token,
    olderTokens: key.older.map(({ token }) => token),
    fingerprint: key.fingerprint,
    status: given.status,
    intentId: given.intentId,
    seal: given.seal,
    expiresAt: given.now + given.days * dayMs,
  };
}

function mayTellSecrets(changes: readonly Change[]): boolean {
  const tables = changes.flatMap((change) =>
    change.kind === "insert" || change.kind === "update" || change.kind === "remove" ? [change.table] : [],
  );
  const isSecret = tables.map((table) => [...metaOf(table).classification.values()].includes("secret"));
  return isSecret.length === 0 || isSecret.includes(true);
}

// Where nothing had to change, the answer still tells of whoever was read for it. Of several, the one that it names by its id,
// as long as of the others nothing is written that is sealed: so it tells of their state at most.
function subjectOf(changes: readonly Change[], keys: Keys, answer: string): string | null {
  const subjects = new Set<string>();
  const written = new Set<string>();
  for (const change of changes) {
    if (change.kind !== "insert" && change.kind !== "update" && change.kind !== "remove") continue;
    const { subject } = metaOf(change.table);
    if (subject === null) continue;
    for (const row of change.kind === "insert" ? change.rows : [change.before]) {
      subjects.add(String(row[subject]));
      if (change.kind === "insert" || touchesSealed(change)) written.add(String(row[subject]));
    }
  }
  if (subjects.size === 0) for (const subject of keys.subjects.keys()) subjects.add(subject);
  if (subjects.size <= 1) return [...subjects][0] ?? null;
  const named = Answer.safeParse(JSON.parse(answer)).data?.id ?? "";
  if (!subjects.has(named) || [...written].some((subject) => subject !== named))
    throw new Error("A commit whose answer tells of two people cannot be kept under one key.");
  return named;
}

const Answer = z.object({ id: z.string() });

function touchesSealed(change: Update | Remove): boolean {
  if (change.kind === "remove") return true;
  const { classification } = metaOf(change.table);
  return Object.keys(change.patch).some((key) =>
    ["personal", "sensitive"].includes(classification.get(key) ?? ""),
  );
}

function addressOf(keys: Keys, key: ReplayPlace) {
  return {
    tenant: keys.tenantId,
    table: "idempotency",
    column: "answer",
    row: `${key.principalId} ${key.operation} ${key.token}`,
  };
}
