import { createDecipheriv, createHmac, hkdfSync } from "node:crypto";

// What src/crypto/README.md says, written a second time for Node's OpenSSL. It imports nothing of Keyline's, so that
// the rows alone decide whether the two agree.

/** A database's row, as SQLite gives it. */
export type RawRow = Readonly<Record<string, unknown>>;

export interface Opened {
  /** `table.column`. */
  readonly place: string;
  readonly tenant: string;
  readonly text: string;
}

interface Keys {
  readonly byKid: Map<string, Buffer>;
  readonly indexKeys: Map<string, Buffer>;
}

type Tables = ReadonlyMap<string, readonly RawRow[]>;

const grammar = /^v1\.([A-Za-z0-9_]{1,64})\.([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{22,})$/;

/** Opens every envelope of a database. @throws where one does not open */
export function openAll(keks: string, tables: Tables): { opened: Opened[]; keys: Keys } {
  const keys = keysOf(keks, tables);
  const opened: Opened[] = [];
  for (const [table, rows] of tables) {
    if (table === "tenant_keys" || table === "subject_keys") continue;
    for (const row of rows) {
      for (const sealed of envelopesOf(table, row)) {
        const address = [String(row.tenant_id), sealed.table, sealed.column, sealed.row];
        const text = openText(keys, address, sealed.envelope);
        opened.push({ place: `${table}.${sealed.at}`, tenant: String(row.tenant_id), text });
      }
    }
  }
  return { opened, keys };
}

/** The same without a word of those that do not open. */
export function openable(keks: string, tables: Tables): Opened[] {
  const keys = keysOf(keks, tables);
  const opened: Opened[] = [];
  for (const [table, rows] of tables) {
    if (table === "tenant_keys" || table === "subject_keys") continue;
    for (const row of rows) {
      const tenant = String(row.tenant_id);
      for (const sealed of envelopesOf(table, row)) {
        try {
          const text = openText(keys, [tenant, sealed.table, sealed.column, sealed.row], sealed.envelope);
          opened.push({ place: `${table}.${sealed.at}`, tenant, text });
        } catch {
          // Its key is gone.
        }
      }
    }
  }
  return opened;
}

/** The ids of all keys that can be had from these databases. */
export function keyIdsIn(keks: string, databases: readonly Tables[]): string[] {
  return databases.flatMap((tables) =>
    [...keysOf(keks, tables).byKid.keys()].map((name) => name.split(" ")[1] ?? ""),
  );
}

/** The id of a subject's key. @throws where there is none */
export function subjectKeyOf(databases: readonly Tables[], subjectId: string): string {
  const rows = databases.flatMap((tables) => tables.get("subject_keys") ?? []);
  const row = rows.find(({ subject_id }) => subject_id === subjectId);
  if (!row) throw new Error(`${subjectId} has no key.`);
  return String(row.id);
}

export function openText(keys: Keys, address: readonly string[], envelope: string): string {
  const [, kid = ""] = grammar.exec(envelope) ?? [];
  const key = keys.byKid.get(`${address[0]} ${kid}`);
  if (!key) throw new Error(`No key ${kid} for ${address.join(" ")}.`);
  return decrypt(key, address, envelope).toString("utf8");
}

export function indexToken(indexKey: Buffer | undefined, field: string, normalised: string): string {
  const mac = createHmac("sha256", indexKey ?? "")
    .update(JSON.stringify([`index ${field}`, normalised]))
    .digest()
    .subarray(0, 16);
  const bits = `${[...mac].map((byte) => byte.toString(2).padStart(8, "0")).join("")}00`;
  const digits = bits.match(/.{5}/g) ?? [];
  return digits.map((five) => "0123456789abcdefghjkmnpqrstvwxyz"[Number.parseInt(five, 2)]).join("");
}

export function personToken(platformKey: Buffer | undefined, cell: string, normalised: string): string {
  const sphere = JSON.stringify([cell, "live"]);
  const text = JSON.stringify(["person", sphere]);
  return indexToken(
    createHmac("sha256", platformKey ?? "")
      .update(text)
      .digest(),
    "person",
    normalised,
  );
}

function keysOf(keks: string, tables: Tables): Keys {
  const keyEncryptionKeys = new Map<string, Buffer>();
  for (const entry of keks.split(",")) {
    const [version, text = ""] = entry.split(":");
    keyEncryptionKeys.set(`kek${version}`, Buffer.from(text, "base64url"));
  }
  const keys: Keys = { byKid: new Map(), indexKeys: new Map() };
  for (const { tenant_id, id, wrapped } of tables.get("tenant_keys") ?? []) {
    const [tenant, envelope] = [String(tenant_id), String(wrapped)];
    const wrapping = keyEncryptionKeys.get(kidOf(envelope)) ?? Buffer.alloc(0);
    const root = decrypt(wrapping, [tenant, "tenant_keys", "wrapped", String(id)], envelope);
    keys.byKid.set(`${tenant} ${id}`, derived(root, "keyline v1 data"));
    keys.indexKeys.set(tenant, derived(root, "keyline v1 blind index"));
  }
  for (const { tenant_id, subject_id, id, wrapped } of tables.get("subject_keys") ?? []) {
    const [tenant, envelope] = [String(tenant_id), String(wrapped)];
    const wrapping = keys.byKid.get(`${tenant} ${kidOf(envelope)}`) ?? Buffer.alloc(0);
    const row = JSON.stringify([subject_id, id]);
    keys.byKid.set(`${tenant} ${id}`, decrypt(wrapping, [tenant, "subject_keys", "wrapped", row], envelope));
  }
  return keys;
}

function derived(root: Buffer, info: string): Buffer {
  return Buffer.from(hkdfSync("sha256", root, Buffer.alloc(0), info, 32));
}

function decrypt(key: Buffer, address: readonly string[], envelope: string): Buffer {
  const [, , iv = "", body = ""] = grammar.exec(envelope) ?? [];
  const bytes = Buffer.from(body, "base64url");
  const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(iv, "base64url"), { authTagLength: 16 });
  decipher.setAAD(Buffer.from(JSON.stringify(["v1", ...address])));
  decipher.setAuthTag(bytes.subarray(-16));
  return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]);
}

function kidOf(envelope: string): string {
  return grammar.exec(envelope)?.[1] ?? "";
}

interface Sealed {
  /** Where it stands: a column, or a field of the audit's copy. */
  readonly at: string;
  readonly table: string;
  readonly column: string;
  readonly row: string;
  readonly envelope: string;
}

/** Whose rows the audit copies, by what it calls them. */
const tableOfEntity: Readonly<Record<string, string>> = {
  "api-key": "api_keys",
  customer: "customers",
  "customer-dietary": "customer_dietary",
  file: "files",
  "key-limit": "key_limits",
  "outside-identity": "outside_identities",
  user: "users",
};

function envelopesOf(table: string, row: RawRow): Sealed[] {
  if (table === "audit_log") return [...columnsOf(table, row, String(row.request_id)), ...copied(row)];
  if (table === "idempotency")
    return columnsOf(table, row, `${row.principal_id} ${row.operation} ${row.key_token}`);
  return columnsOf(table, row, String(row[namedBy[table] ?? "id"]));
}

/** What tells rows apart that have no id. */
const namedBy: Readonly<Record<string, string>> = {
  webhook_bodies: "event_seq",
  last_uses: "principal_id",
};

function columnsOf(table: string, values: RawRow, row: string): Sealed[] {
  return Object.entries(values).flatMap(([column, envelope]) =>
    isEnvelope(envelope) ? [{ at: column, table, column, row, envelope }] : [],
  );
}

function copied({ entity, entity_id, row }: RawRow): Sealed[] {
  const values: Record<string, unknown> = JSON.parse(String(row));
  return Object.entries(values).flatMap(([name, envelope]) => {
    if (!isEnvelope(envelope)) return [];
    const column = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const table = tableOfEntity[String(entity)] ?? "unknown";
    return [{ at: `row ${entity}.${name}`, table, column, row: String(entity_id), envelope }];
  });
}

function isEnvelope(value: unknown): value is string {
  return typeof value === "string" && grammar.test(value);
}
