import { utf8 } from "#lib/utf8.ts";
import { aesKeyBytes, importAesKey } from "./aes-gcm.ts";
import { type DataKey, kidOf, openBytes, type SealAddress, SealError, sealBytes } from "./envelope.ts";
import { hkdfSha256 } from "./hkdf.ts";
import { importHmacKey } from "./hmac.ts";
import { type KekProvider, kekKid, kekOf } from "./kek.ts";

/** The id is the kid in every envelope sealed under the key. */
export interface TenantKeyRow {
  id: string;
  wrapped: string;
}

export interface SubjectKeyRow {
  id: string;
  wrapped: string;
}

interface TenantKey {
  data: DataKey;
  index: CryptoKey;
}

/** rebuilt: tokens move to the newest key in time. pinned: they stay under the oldest, as whose are unique must. */
export type IndexKeys = "rebuilt" | "pinned";

/** The opened keys of one tenant (or of the directory, as "platform"). What it hands out cannot be exported. */
export class TenantKeyRing {
  readonly #tenantId: string;
  readonly #keys: ReadonlyMap<string, TenantKey>;
  readonly #current: TenantKey;
  readonly #indexKeys: readonly [CryptoKey, ...CryptoKey[]];

  constructor(tenantId: string, newestFirst: readonly [TenantKey, ...TenantKey[]], index: IndexKeys) {
    const [current, ...older] = newestFirst;
    this.#tenantId = tenantId;
    this.#keys = new Map(newestFirst.map((key) => [key.data.kid, key]));
    this.#current = current;
    this.#indexKeys =
      index === "rebuilt"
        ? [current.index, ...older.map((key) => key.index)]
        : [(older.at(-1) ?? current).index];
  }

  async createSubjectKey(subjectId: string, id: string): Promise<{ row: SubjectKeyRow; key: DataKey }> {
    const bytes = randomKey();
    const wrapped = await sealBytes(this.#current.data, this.#addressOf(subjectId, id), bytes);
    return { row: { id, wrapped }, key: { kid: id, key: await importAesKey(bytes) } };
  }

  async openSubjectKey(subjectId: string, row: SubjectKeyRow): Promise<DataKey> {
    return { kid: row.id, key: await importAesKey(await this.#unwrap(subjectId, row)) };
  }

  async #unwrap(subjectId: string, row: SubjectKeyRow): Promise<Uint8Array<ArrayBuffer>> {
    const address = this.#addressOf(subjectId, row.id);
    const kid = kidOf(row.wrapped);
    if (kid === null) throw new SealError("malformed", address);
    const wrapping = this.tenantKeyFor(kid);
    if (!wrapping) throw new SealError("wrong-key", address);
    return await openBytes(wrapping, address, row.wrapped);
  }

  // Seals the tenant's own values and wraps its subject keys.
  tenantKey(): DataKey {
    return this.#current.data;
  }

  // Opens what an older key sealed.
  tenantKeyFor(kid: string): DataKey | null {
    return this.#keys.get(kid)?.data ?? null;
  }

  // Makes the tokens that are written.
  indexKey(): CryptoKey {
    return this.#indexKeys[0];
  }

  // Tokens are looked for under each of these: an older key's may still stand, until its tenant key goes.
  indexKeys(): readonly [CryptoKey, ...CryptoKey[]] {
    return this.#indexKeys;
  }

  /** The subject's key wrapped by the current tenant key; null where that wraps it already. */
  async rewrapSubjectKey(subjectId: string, row: SubjectKeyRow): Promise<SubjectKeyRow | null> {
    if (kidOf(row.wrapped) === this.#current.data.kid) return null;
    const bytes = await this.#unwrap(subjectId, row);
    const wrapped = await sealBytes(this.#current.data, this.#addressOf(subjectId, row.id), bytes);
    return { id: row.id, wrapped };
  }

  #addressOf(subjectId: string, id: string): SealAddress {
    return { tenant: this.#tenantId, table: "subject_keys", column: "wrapped", row: pair(subjectId, id) };
  }
}

export async function createTenantKey(
  keks: KekProvider,
  tenantId: string,
  id: string,
): Promise<TenantKeyRow> {
  return { id, wrapped: await keks.wrap(randomKey(), tenantKeyAddress(tenantId, id)) };
}

/** The same key wrapped by the newest KEK; null where that wraps it already. */
export async function rewrapTenantKey(
  keks: KekProvider,
  tenantId: string,
  row: TenantKeyRow,
): Promise<TenantKeyRow | null> {
  if (kekOf(row.wrapped) === kekKid(keks.currentVersion)) return null;
  const address = tenantKeyAddress(tenantId, row.id);
  return { id: row.id, wrapped: await keks.wrap(await keks.unwrap(row.wrapped, address), address) };
}

/** Ids are ordered by time, so the greatest is the current key whatever order the rows came in. */
export async function openKeyRing(
  keks: KekProvider,
  tenantId: string,
  rows: readonly TenantKeyRow[],
  index: IndexKeys = "rebuilt",
): Promise<TenantKeyRing> {
  const ordered = rows.toSorted((a, b) => (a.id < b.id ? 1 : -1));
  const opened = await Promise.all(
    ordered.map(async (row) =>
      deriveTenantKey(row.id, await keks.unwrap(row.wrapped, tenantKeyAddress(tenantId, row.id))),
    ),
  );
  const [current, ...older] = opened;
  if (!current) throw new Error(`no key for ${tenantId}`);
  return new TenantKeyRing(tenantId, [current, ...older], index);
}

// One root, two uses: the separate info strings make them independent keys (RFC 5869 section 3.2).
async function deriveTenantKey(kid: string, root: Uint8Array<ArrayBuffer>): Promise<TenantKey> {
  const [data, index] = await Promise.all([
    derive(root, "keyline v1 data"),
    derive(root, "keyline v1 blind index"),
  ]);
  return { data: { kid, key: await importAesKey(data) }, index: await importHmacKey(index) };
}

function derive(root: Uint8Array<ArrayBuffer>, info: string): Promise<Uint8Array<ArrayBuffer>> {
  const input = { secret: root, salt: new Uint8Array(), info: utf8(info) };
  return hkdfSha256(input, aesKeyBytes);
}

function tenantKeyAddress(tenantId: string, id: string): SealAddress {
  return { tenant: tenantId, table: "tenant_keys", column: "wrapped", row: id };
}

function pair(subjectId: string, id: string): string {
  return JSON.stringify([subjectId, id]);
}

function randomKey(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(aesKeyBytes));
}
