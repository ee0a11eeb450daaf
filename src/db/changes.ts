import type { SQL } from "drizzle-orm";
import { timestamp } from "#lib/time.ts";
import type { EventType, PlatformEventType } from "./event-types.ts";
import type { Statement } from "./statement.ts";
import { type AnyTenantTable, metaOf, type NewRow, type Patch, type Row } from "./tenant-table.ts";

export interface Insert {
  readonly kind: "insert";
  readonly table: AnyTenantTable;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

export interface Update {
  readonly kind: "update";
  readonly table: AnyTenantTable;
  readonly before: Readonly<Record<string, unknown>>;
  readonly patch: Readonly<Record<string, unknown>>;
}

export interface Remove {
  readonly kind: "remove";
  readonly table: AnyTenantTable;
  readonly before: Readonly<Record<string, unknown>>;
}

/** A condition on rows of this tenant within the principal's reach; where it fails, nothing is written. */
export interface Guard {
  readonly kind: "guard";
  readonly table: AnyTenantTable;
  readonly where: SQL;
  readonly expect: "exists" | "absent";
  /** null: what was read has been overtaken, and the handler runs anew. */
  readonly otherwise: GuardRefusal | null;
}

export interface GuardRefusal {
  readonly problem: string;
  /** The JSON pointer of the client's field that was wrong, where there is one. */
  readonly pointer?: string;
}

export interface Emit {
  readonly kind: "emit";
  readonly type: EventType | PlatformEventType;
  readonly data: Readonly<Record<string, EventValue>>;
  readonly locationId: string | null;
  readonly assigneeId: string | null;
}

/** Events carry ids, enums and amounts; never personal data. */
export type EventValue = string | number | boolean | null;

/** An audit row about something that changed no row, such as a refusal that matters. */
export interface Note {
  readonly kind: "note";
  readonly entity: string;
  readonly entityId: string;
  readonly details: NoteDetails;
  /** What was done, where that has a name of its own. */
  readonly action?: string;
  readonly assigneeId?: string;
}

/** It stands in the audit in plain: names of fields, enums and ids, never what a field holds. */
export type NoteDetails = Readonly<Record<string, EventValue | readonly string[]>>;

/** The end of a subject's key, and of all that lies under it. */
export interface Destroy {
  readonly kind: "destroy";
  readonly subjectId: string;
  readonly destroyedAt: number;
}

/** The vault's own upkeep of technical rows and envelopes, which tells of itself by a note beside it. */
export interface Upkeep {
  readonly kind: "upkeep";
  /** Where this holds, somebody else has been there meanwhile: nothing is written, and nothing told. */
  readonly unless: SQL;
  readonly statements: readonly Statement[];
}

/** Inert data: only the door's commit executes one. */
export type Change = Insert | Update | Remove | Guard | Emit | Note | Destroy | Upkeep;

/** A number that only the database can give: the next of a tenant's gap-free counter. */
export interface Assigned {
  readonly $assigned: string;
}

/**
 * Stands for the next number of this counter in a row and in the answer. The commit puts the number in its place in
 * both, and an answer that still held the placeholder would not parse, which is why it may pass for a number here.
 */
export function assigned(counter: string): number {
  return { $assigned: counter } as unknown as number;
}

export function isAssigned(value: unknown): value is Assigned {
  return (
    typeof value === "object" && value !== null && "$assigned" in value && typeof value.$assigned === "string"
  );
}

/** Inserts one row; `.row` is the row as it will stand. */
export function insert<T extends AnyTenantTable>(
  table: T,
  row: NewRow<T>,
  now: number,
): Insert & { readonly row: Row<T> } {
  const whole = born<T>(table, row, now);
  return { kind: "insert", table, rows: [whole], row: whole };
}

/** Inserts many rows in one statement; `.whole` are the rows as they will stand. */
export function insertAll<T extends AnyTenantTable>(table: T, rows: readonly NewRow<T>[], now: number) {
  const whole = rows.map((row) => born<T>(table, row, now));
  return { kind: "insert" as const, table, rows: whole, whole };
}

/** Changes one row that was read before; a row that changed meanwhile is a lost version. `.row` is what it becomes. */
export function update<T extends AnyTenantTable>(
  table: T,
  before: Row<T>,
  patch: Patch<T>,
  now: number,
): Update & { readonly row: Row<T> } {
  const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
  const next = { ...given, version: Number(before.version) + 1, updatedAt: timestamp(now) };
  return { kind: "update", table, before, patch: next, row: { ...before, ...next } };
}

/** Deletes one row that was read before; its audit row keeps what it was. */
export function remove<T extends AnyTenantTable>(table: T, before: Row<T>): Remove {
  return { kind: "remove", table, before };
}

/** The same of rows that were read by id and version alone, so that those go as well that nobody can open. */
export function removeNamed(
  table: AnyTenantTable,
  rows: readonly { readonly id: string; readonly version: number }[],
): Remove[] {
  return rows.map((before) => ({ kind: "remove", table, before }));
}

/** Some row of this tenant that the principal may see must satisfy the condition. */
export function mustExist(table: AnyTenantTable, where: SQL, otherwise: GuardRefusal | null): Guard {
  return { kind: "guard", table, where, expect: "exists", otherwise };
}

/** No row of this tenant may satisfy the condition. */
export function mustNotExist(table: AnyTenantTable, where: SQL, otherwise: GuardRefusal | null): Guard {
  return { kind: "guard", table, where, expect: "absent", otherwise };
}

/** Tells the world of a fact; it inherits the place of the row that it is about. */
export function emit(
  type: EventType,
  data: Readonly<Record<string, EventValue>>,
  about: { table: AnyTenantTable; row: Readonly<Record<string, unknown>> },
): Emit {
  const { scope } = metaOf(about.table);
  const place = (column: string | undefined) => {
    const value = column === undefined ? null : about.row[column];
    return typeof value === "string" ? value : null;
  };
  if (scope.kind !== "rows") return { kind: "emit", type, data, locationId: null, assigneeId: null };
  return { kind: "emit", type, data, locationId: place(scope.location), assigneeId: place(scope.assignee) };
}

export function note(entity: string, entityId: string, details: NoteDetails): Note {
  return { kind: "note", entity, entityId, details };
}

/** Destroys a subject's key and index tokens for good; refused as `subject-erased` where that was done before. */
export function destroy(subjectId: string, destroyedAt: number): Destroy {
  return { kind: "destroy", subjectId, destroyedAt };
}

function born<T extends AnyTenantTable>(table: T, row: NewRow<T>, now: number): Row<T> {
  const at = timestamp(now);
  const absent = Object.fromEntries([...metaOf(table).classification.keys()].map((key) => [key, null]));
  return { ...absent, ...row, version: 1, createdAt: at, updatedAt: at };
}
