import { z } from "zod";
import { eventsAfter } from "#db/webhooks/events.ts";
import { readOperation } from "#http/operation.ts";

const Event = z.object({
  id: z.string(),
  /** Counted per tenant, without gaps; who is limited to locations sees those numbers alone. */
  seq: z.int(),
  type: z.string(),
  at: z.string(),
  /** Ids, enums and amounts; read what it is about for the rest. */
  data: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  locationId: z.string().nullable(),
  assigneeId: z.string().nullable(),
  actor: z.object({ kind: z.string(), id: z.string() }),
  requestId: z.string(),
});

export const list = readOperation({
  mount: "tenant",
  method: "get",
  path: "/events",
  summary: "Read the events after a number, oldest first, for 30 days; what webhooks are sent from",
  can: "events:read",
  store: "cell",
  query: z.strictObject({
    after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
    limit: z.coerce.number().int().min(1).max(100).default(20),
  }),
  /** Ask again with `nextAfter` where there is more; to go on later, with the last `seq` seen. */
  returns: z.object({ data: z.array(Event), nextAfter: z.int().nullable() }),
  problems: ["invalid"],
  async run({ tenant }, { query: { after, limit } }) {
    const { rows } = await tenant.read({ rows: eventsAfter(after, limit + 1) });
    const shown = rows.slice(0, limit);
    return {
      data: shown.map(({ createdAt, actorKind, actorId, ...event }) => ({
        ...event,
        at: createdAt,
        actor: { kind: actorKind, id: actorId },
      })),
      nextAfter: rows.length > limit ? (shown.at(-1)?.seq ?? null) : null,
    };
  },
});
