import { z } from "zod";
import { eventsAfter } from "#db/webhooks/events.ts";
import { Timestamp, ToldChain, told, toldId } from "#http/fields.ts";
import { readOperation } from "#http/operation.ts";
import { pageQuery } from "#http/page.ts";

const EventRecord = z
  .object({
    id: toldId("evt"),
    seq: z
      .int()
      .min(1)
      .meta({
        description:
          "Counted per tenant, without gaps; who is limited to locations sees those numbers alone.",
        examples: [42],
      }),
    type: told(64, "order.placed"),
    at: Timestamp,
    data: z.record(z.string(), z.unknown()).meta({
      description: "Ids, enums and amounts; read what it is about for the rest.",
      examples: [{ orderId: "ord_01jd5r0t6vf3h8k2m4n6p8q0rs", total: 6181 }],
    }),
    locationId: toldId("loc").nullable(),
    assigneeId: toldId("mbr").nullable(),
    actor: z.object({ kind: told(32, "member"), id: told(64, "mbr_01jd5r0t6vf3h8k2m4n6p8q0rs") }),
    actorChain: ToldChain,
    requestId: told(64, "req_01jd5r0t6vf3h8k2m4n6p8q0rs"),
  })
  .meta({ id: "Event" });

export const list = readOperation({
  mount: "tenant",
  method: "get",
  path: "/events",
  summary: "Read the events after a number, oldest first, for 30 days; what webhooks are sent from",
  can: "events:read",
  store: "cell",
  query: z.strictObject({
    after: z.coerce
      .number()
      .int()
      .min(0)
      .max(Number.MAX_SAFE_INTEGER)
      .default(0)
      .meta({ description: "The last number seen.", examples: [0] }),
    limit: pageQuery.limit,
  }),
  returns: z
    .object({
      data: z.array(EventRecord).meta({ maxItems: 100 }),
      nextAfter: z
        .int()
        .min(1)
        .nullable()
        .meta({
          description: "Ask again with it where there is more; to go on later, with the last `seq` seen.",
          examples: [null],
        }),
    })
    .meta({ id: "Events" }),
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
