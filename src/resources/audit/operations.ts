import { z } from "zod";
import { auditRows } from "#db/audit-query.ts";
import { Instant } from "#http/fields.ts";
import { readOperation } from "#http/operation.ts";
import { Refusal } from "#http/outcome.ts";
import { oneFilterOf, pageOf, pageQuery } from "#http/page.ts";

const AuditEntry = z.object({
  id: z.string(),
  /** Counted per tenant, without gaps. */
  seq: z.int(),
  at: z.string(),
  operation: z.string(),
  action: z.string(),
  entity: z.string(),
  entityId: z.string(),
  /** The row as it stood after the change (before it, for a deletion); personal fields as envelopes. */
  row: z.record(z.string(), z.unknown()),
  changed: z.array(z.string()).nullable(),
  actor: z.object({ kind: z.string(), id: z.string() }),
  ip: z.string().nullable(),
  userAgent: z.string().nullable(),
  locationId: z.string().nullable(),
  assigneeId: z.string().nullable(),
  requestId: z.string(),
});

const AuditQuery = z
  .strictObject({
    ...pageQuery,
    actorId: z.string().max(64).optional(),
    operation: z.string().max(64).optional(),
    entityId: z.string().max(64).optional(),
    from: Instant.optional(),
    until: Instant.optional(),
  })
  .superRefine(oneFilterOf("actorId", "operation", "entityId"));

export const list = readOperation({
  mount: "tenant",
  method: "get",
  path: "/audit",
  summary: "Read the audit trail, newest first; by actor, operation or entity, and by time",
  can: "audit:read",
  store: "cell",
  query: AuditQuery,
  returns: pageOf(AuditEntry),
  problems: ["invalid"],
  async run({ tenant, cursors }, { query: { limit, cursor, ...filter } }) {
    const after = await cursors.open(cursor, filter);
    if (after instanceof Refusal) return after;
    const { rows } = await tenant.read({
      rows: auditRows(filter, after === null ? null : Place.parse(JSON.parse(after)), limit + 1),
    });
    return await cursors.page(
      rows,
      limit,
      filter,
      ({ createdAt, seq }) => JSON.stringify({ createdAt, seq }),
      ({ createdAt, actorKind, actorId, ...row }) => ({
        ...row,
        at: createdAt,
        actor: { kind: actorKind, id: actorId },
      }),
    );
  },
});

const Place = z.object({ createdAt: z.string(), seq: z.int() });
