import { exactToken } from "#crypto/blind-index.ts";
import { type DataKey, kidOf, open, SealError, seal } from "#crypto/envelope.ts";
import type { TenantKeyRing } from "#crypto/key-ring.ts";
import { type AnyTenantTable, columnOf, metaOf, type TableMeta } from "./tenant-table.ts";

/** The keys of one tenant as one request sees them: the ring, and every subject's key met so far. */
export interface Keys {
  readonly tenantId: string;
  readonly ring: TenantKeyRing;
  /** null: the subject's key was destroyed. */
  readonly subjects: Map<string, DataKey | null>;
}

/** What stands for a destroyed value where there must be one; elsewhere it is null. */
const erasedText = "[erased]";

/** Somebody would have something sealed for a subject whose key was destroyed. */
export class SubjectErased extends Error {
  constructor(subjectId: string) {
    super(`The key of ${subjectId} was destroyed; nothing is sealed for them any more.`);
    this.name = "SubjectErased";
  }
}

type Values = Readonly<Record<string, unknown>>;

/**
 * The same values with each sealed column as its envelope, and the blind index tokens of those that have one.
 * @throws SubjectErased
 */
export async function sealRow(
  keys: Keys,
  table: AnyTenantTable,
  id: string,
  subjectId: string | null,
  values: Values,
) {
  const meta = metaOf(table);
  const sealed: Record<string, unknown> = { ...values, ...(await exactTokens(keys, meta, values)) };
  for (const [key, value] of Object.entries(values)) {
    // What is taken away needs no key: it goes also where nobody can open what was there.
    if (typeof value !== "string") continue;
    const dataKey = sealingKey(keys, meta, key, subjectId);
    if (dataKey) sealed[key] = await seal(dataKey, addressOf(keys, table, key, id), value);
  }
  return sealed;
}

/**
 * A stored row with its sealed columns opened; those of a person whose key was destroyed read as erased.
 * @throws SealError where a tag fails, or the subject has neither a key nor a tombstone
 */
export async function openRow(
  keys: Keys,
  table: AnyTenantTable,
  stored: Values,
): Promise<Record<string, unknown>> {
  const meta = metaOf(table);
  const opened: Record<string, unknown> = {};
  const id = String(stored.id);
  const subjectId = meta.subject === null ? null : String(stored[meta.subject]);
  for (const key of meta.classification.keys()) {
    const value = stored[key];
    const holder = holderOf(keys, meta, key, subjectId);
    opened[key] =
      holder === null || typeof value !== "string"
        ? value
        : await openOf(keys, holder, table, key, id, value);
  }
  return opened;
}

async function openOf(
  keys: Keys,
  holder: Holder,
  table: AnyTenantTable,
  key: string,
  id: string,
  value: string,
): Promise<string | null> {
  if (holder === "erased") return columnOf(table, key).notNull ? erasedText : null;
  if (holder === "unknown") throw new SealError("wrong-key", addressOf(keys, table, key, id));
  return await openWith(keys, holder, table, key, id, value);
}

async function openWith(
  keys: Keys,
  dataKey: DataKey,
  table: AnyTenantTable,
  key: string,
  id: string,
  value: string,
) {
  const kid = kidOf(value);
  const holder = kid === dataKey.kid ? dataKey : (keys.ring.tenantKeyFor(kid ?? "") ?? dataKey);
  return await open(holder, addressOf(keys, table, key, id), value);
}

function addressOf(keys: Keys, table: AnyTenantTable, key: string, id: string) {
  return { tenant: keys.tenantId, table: metaOf(table).name, column: columnOf(table, key).name, row: id };
}

type Holder = DataKey | "erased" | "unknown";

/** Whose key a column lies under; null where it lies open. */
function holderOf(keys: Keys, meta: TableMeta, column: string, subjectId: string | null): Holder | null {
  const classification = meta.classification.get(column);
  if (classification === "secret") return keys.ring.tenantKey();
  if (classification !== "personal" && classification !== "sensitive") return null;
  const key = subjectId === null ? undefined : keys.subjects.get(subjectId);
  return key === null ? "erased" : (key ?? "unknown");
}

function sealingKey(keys: Keys, meta: TableMeta, column: string, subjectId: string | null): DataKey | null {
  const holder = holderOf(keys, meta, column, subjectId);
  if (holder === "erased") throw new SubjectErased(String(subjectId));
  if (holder === "unknown")
    throw new Error(`${meta.name}.${column} is sealed under a subject whose key is not at hand.`);
  return holder;
}

/** A tenant's own value under its newest key; null where it lies under that already. @throws SealError */
export async function resealed(
  keys: Keys,
  table: AnyTenantTable,
  key: string,
  id: string,
  value: string,
): Promise<string | null> {
  const newest = keys.ring.tenantKey();
  if (kidOf(value) === newest.kid) return null;
  const text = await openWith(keys, newest, table, key, id, value);
  return await seal(newest, addressOf(keys, table, key, id), text);
}

export async function exactTokens(
  keys: Keys,
  meta: TableMeta,
  values: Values,
): Promise<Record<string, string | null>> {
  const tokens: Record<string, string | null> = {};
  for (const [column, index] of Object.entries(meta.exact)) {
    const source = values[index.from];
    if (source === undefined) continue;
    const normalised = typeof source === "string" ? index.normalise(source) : null;
    tokens[column] =
      normalised === null ? null : await exactToken(keys.ring.indexKey(), index.from, normalised);
  }
  return tokens;
}
