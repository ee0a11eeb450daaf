import { z } from "zod";
import { type AuditSink, knownSinksFor } from "./audit-sinks.ts";
import { type Cell, cellOf } from "./cells.ts";
import type { AuditTreeRpc, Env } from "./env.ts";
import { within } from "./jurisdictions.ts";

/** The owner of the platform's own audit, which lies in the directory. */
const platform = "platform";

/** Whose audit a tree is over, and where it lies; null is the directory. Versioned, as old and new code coexist. */
export const TreeOwner = z.object({ v: z.literal(1), tenantId: z.string(), cell: z.string().nullable() });
export type TreeOwner = z.infer<typeof TreeOwner>;

const Size = z.int().min(0);
const Hashes = z.array(z.instanceof(Uint8Array));

/** How far a tree has come; `note` is its newest head, signed. */
export const TreeHead = z.object({ v: z.literal(1), size: Size, note: z.string() });
export type TreeHead = z.infer<typeof TreeHead>;

/** Null where the leaf, or that size, is not there yet. */
export const Inclusion = z.object({ ...TreeHead.shape, proof: Hashes }).nullable();
export const Consistency = z.object({ v: z.literal(1), proof: Hashes }).nullable();

/** Where the rows of an owner's audit lie, and the files of its log. */
export interface AuditStores {
  readonly database: D1Database;
  readonly bucket: R2Bucket;
}

/** What a tenant's own requests may ask of its log. */
export interface AuditLog {
  /** The newest head; null before the first leaf. */
  head(): Promise<TreeHead | null>;
  /** From leaf `index` to the newest head; null where it is no leaf yet. */
  inclusion(index: number): Promise<z.infer<typeof Inclusion>>;
  /** Null where the tree never had, or does not have yet, such sizes. */
  consistency(earlier: number, size: number): Promise<z.infer<typeof Consistency>>;
  /** The hashes of so many leaves, or as many as there are; `from` is an index. */
  leaves(from: number, count: number): Promise<Uint8Array[]>;
  /** The other stores that get copies of it; null where AUDIT_SINKS cannot be read. */
  sinks(): readonly Pick<AuditSink, "name" | "place">[] | null;
}

export function auditLogOf(env: Env, cell: Cell, tenantId: string): AuditLog {
  const tree = () => auditTreeOf(env, cell, tenantId);
  return {
    head: async () => TreeHead.nullable().parse(await tree().head()),
    inclusion: async (index) => Inclusion.parse(await tree().inclusion(index)),
    consistency: async (earlier, size) => Consistency.parse(await tree().consistency(earlier, size)),
    leaves: async (from, count) => Hashes.parse(await tree().leaves(from, count)),
    sinks: () => knownSinksFor(env, cell.id),
  };
}

/** The one writer of an owner's tree, inside its cell's jurisdiction. */
export function auditTreeOf(
  env: Env,
  cell: Pick<Cell, "jurisdiction"> | null,
  tenantId: string,
): DurableObjectStub<AuditTreeRpc> {
  return within(env.AUDIT_TREES, cell?.jurisdiction ?? null).getByName(tenantId);
}

/** @throws Error where this deployment has no such cell */
export function auditStoresOf(env: Env, { tenantId, cell: cellId }: TreeOwner): AuditStores {
  if (cellId === null && tenantId === platform)
    return { database: env.DIRECTORY, bucket: env.AUDIT_LOG_PLATFORM };
  const cell = cellId === null ? null : cellOf(env, cellId);
  if (!cell) throw new Error(`There is no cell ${cellId} for an audit tree.`);
  return { database: cell.database, bucket: cell.auditLog };
}
