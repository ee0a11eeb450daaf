import { sql } from "drizzle-orm";
import { z } from "zod";
import { canonicalJson, type Json } from "#lib/canonical-json.ts";
import { mostEntryBytes } from "#lib/entry-bundle.ts";
import { utf8 } from "#lib/utf8.ts";
import { statementOf } from "./statement.ts";
import type { TenantDriver } from "./tenant-driver.ts";

/** One audit row as the transparency log holds it. */
export interface AuditEntry {
  readonly seq: number;
  /** RFC 8785; personal fields as the envelopes they are stored in, so that a destroyed key leaves every proof valid. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The tenant's audit rows after this one, in their order, how many rows it has had by then, and how many are marked as leaves. */
export async function entriesAfter(
  driver: TenantDriver,
  seq: number,
  limit: number,
): Promise<{ entries: AuditEntry[]; count: number; logged: number }> {
  const { tenantId } = driver;
  const [rows = [], counters = []] = await driver.execute([
    statementOf(
      sql`select ${entryColumns} from "audit_log" where "audit_log"."tenant_id" = ${tenantId} and "audit_log"."seq" > ${seq} order by "audit_log"."seq" limit ${limit}`,
    ),
    statementOf(
      sql`select "value", "logged" from "counters" where "counters"."tenant_id" = ${tenantId} and "counters"."name" = 'audit'`,
    ),
  ]);
  const counter = counters[0] ? Counter.parse(counters[0]) : { value: 0, logged: 0 };
  return {
    entries: await Promise.all(rows.map((row) => entryOf(tenantId, row))),
    count: counter.value,
    // Below zero under a permit (`permitResume`).
    logged: counter.logged < 0 ? -1 - counter.logged : counter.logged,
  };
}

const Counter = z.object({ value: z.int(), logged: z.int() });

const names = [
  ...["seq", "id", "operation", "action", "entity", "entity_id", "row", "changed", "location_id"],
  ...["assignee_id", "actor_kind", "actor_id", "actor_chain", "support_grant_id", "request_id", "caller"],
  "created_at",
];

/** What `entryOf` reads of a row. */
export const entryColumns = sql.raw(names.map((name) => `"audit_log"."${name}"`).join(", "));

// A lone surrogate, which a client can spell in JSON, has no canonical form: it must not stop the log.
const JsonText = z
  .string()
  .transform(
    (text): Json =>
      JSON.parse(text, (_, value: Json) => (typeof value === "string" ? value.toWellFormed() : value)),
  );
const Stored = z.object({
  seq: z.int(),
  id: z.string(),
  operation: z.string(),
  action: z.string(),
  entity: z.string(),
  entity_id: z.string(),
  row: JsonText,
  changed: JsonText.nullable(),
  location_id: z.string().nullable(),
  assignee_id: z.string().nullable(),
  actor_kind: z.string(),
  actor_id: z.string(),
  actor_chain: JsonText.nullable(),
  support_grant_id: z.string().nullable(),
  request_id: z.string(),
  caller: z.string().nullable(),
  created_at: z.string(),
});

/** The entry of a stored row. One that is too long for the log has its row's SHA-256 (hex) in place of the row. */
export async function entryOf(tenantId: string, stored: unknown): Promise<AuditEntry> {
  const row = Stored.parse(stored);
  const entry = { v: 1, tenant_id: tenantId, ...row };
  const bytes = utf8(canonicalJson(entry));
  if (bytes.length <= mostEntryBytes) return { seq: row.seq, bytes };
  const digest = await crypto.subtle.digest("SHA-256", utf8(canonicalJson(row.row)));
  const { row: _, ...rest } = entry;
  const shorter = { ...rest, row_sha256: new Uint8Array(digest).toHex() };
  return { seq: row.seq, bytes: utf8(canonicalJson(shorter)) };
}
