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

/** What stops a log until an operator has looked at it. */
export interface LogFault {
  readonly fault: "row-missing" | "file-differs";
  /** The row's number, or the object's key. */
  readonly at: string;
}

/** Null for what passes by itself, as a database that is away. */
export function faultOf(error: unknown): LogFault | null {
  if (error instanceof RowMissing) return { fault: "row-missing", at: String(error.seq) };
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
