import type { PlatformAlert } from "#jobs/alert-platform.ts";
import type { TreeOwner } from "#platform/audit-trees.ts";
import { AlreadyOtherwise } from "#platform/create-only.ts";

/** The rows' numbers have a gap: somebody took one away before it was a leaf. */
export class RowMissing extends Error {
  readonly seq: number;

  /** `next`: the one that is there in its place; null where all after it are gone too. */
  constructor(seq: number, next: number | null) {
    super(`The audit lacks row ${seq}, and has ${next ?? "none after it"}.`);
    this.name = "RowMissing";
    this.seq = seq;
  }
}

/** The audit has had fewer rows than are leaves, or had when it was put back: an older copy of its database was restored. */
export class RowsRolledBack extends Error {
  /** The first that are leaves, and not there. */
  readonly from: number;

  constructor(count: number, size: number) {
    super(`The audit has had ${count} rows, and ${size} are leaves of its log.`);
    this.name = "RowsRolledBack";
    this.from = count + 1;
  }
}

/** What stops a log until an operator has looked at it. */
export interface LogFault {
  readonly fault: "row-missing" | "rows-rolled-back" | "file-differs";
  /** The row's number, or the object's key. */
  readonly at: string;
}

/** Null for what passes by itself, as a database that is away. */
export function faultOf(error: unknown): LogFault | null {
  if (error instanceof RowMissing) return { fault: "row-missing", at: String(error.seq) };
  if (error instanceof RowsRolledBack) return { fault: "rows-rolled-back", at: String(error.from) };
  if (error instanceof AlreadyOtherwise) return { fault: "file-differs", at: error.key };
  return null;
}

export function alertOf({ tenantId, cell }: TreeOwner, { fault, at }: LogFault): PlatformAlert {
  return {
    type: "audit.broken",
    job: "jobs.log-audit",
    entity: "audit-log",
    entityId: tenantId,
    data: { tenantId, cell, fault, at },
    about: `${tenantId} ${fault} ${at}`,
  };
}
