import { z } from "zod";
import { auditRows } from "#db/audit-query.ts";
import { Instant, personal, Timestamp, ToldChain, told, toldId, toldList } from "#http/fields.ts";
import { readOperation } from "#http/operation.ts";
import { Refusal } from "#http/outcome.ts";
import { oneFilterOf, pageOf, pageQuery } from "#http/page.ts";

const AuditEntry = z
  .object({
    id: toldId("aud"),
    seq: z
      .int()
      .min(1)
      .meta({ description: "Counted per tenant, without gaps.", examples: [42] }),
    at: Timestamp,
    operation: told(64, "customers.update"),
    action: told(64, "update"),
    entity: told(64, "customer"),
    entityId: told(64, "cus_01jd5r0t6vf3h8k2m4n6p8q0rs"),
    row: z.record(z.string(), z.unknown()).meta({
      description:
        "The row as it stood after the change (before it, for a deletion); personal fields as envelopes.",
      examples: [{ version: 2 }],
    }),
    changed: toldList(told(64, "phone"), 100).nullable(),
    actor: z.object({ kind: told(32, "member"), id: told(64, "mbr_01jd5r0t6vf3h8k2m4n6p8q0rs") }),
    actorChain: ToldChain,
    supportGrantId: toldId("sgr").nullable().meta({
      description: "Of what an agent of support did: what let them.",
    }),
    ip: personal(told(64, "203.0.113.7")).nullable(),
    userAgent: personal(told(256, "Mozilla/5.0")).nullable(),
    locationId: toldId("loc").nullable(),
    assigneeId: toldId("mbr").nullable(),
    requestId: told(64, "req_01jd5r0t6vf3h8k2m4n6p8q0rs"),
  })
  .meta({ id: "AuditEntry" });

const Name = z.string().max(64).meta({ pattern: "^[\\w.-]+$" });

const AuditQuery = z
  .strictObject({
    ...pageQuery,
    actorId: Name.optional().meta({ description: "Only what this principal did." }),
    operation: Name.optional().meta({ description: "Only by this operation." }),
    entityId: Name.optional().meta({ description: "Only of this row." }),
    from: Instant.optional().meta({ description: "Only at or after this time." }),
    until: Instant.optional().meta({ description: "Only before this time." }),
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
