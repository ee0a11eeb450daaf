import { z } from "zod";
import type { CallFilter } from "#db/call-filter.ts";
import { gateTotal, loggedTotal } from "#db/call-gap.ts";
import { CallCountKey, callCounts, callRows } from "#db/call-query.ts";
import { Instant } from "#http/fields.ts";
import { type Principal, readOperation } from "#http/operation.ts";
import { Refusal } from "#http/outcome.ts";
import { oneFilterOf, pageOf, pageQuery } from "#http/page.ts";
import { dayMs, timestamp } from "#lib/time.ts";
import { gapOf } from "./rules.ts";
import { ApiCall, Gap, HourlyUsage } from "./schema.ts";

const defaultWindowMs = 7 * dayMs;

const Name = z.string().max(64).meta({ pattern: "^[\\w.-]+$" });

const CallQuery = z
  .strictObject({
    ...pageQuery,
    actorId: Name.optional().meta({ description: "Only what this principal asked." }),
    operation: Name.optional().meta({ description: "Only of this operation." }),
    status: z.coerce
      .number()
      .int()
      .min(100)
      .max(599)
      .optional()
      .meta({ description: "Only so answered.", examples: [429] }),
    from: Instant.optional().meta({ description: "Only at or after this time; 7 days ago unless told." }),
    until: Instant.optional().meta({ description: "Only before this time." }),
  })
  .superRefine(oneFilterOf("actorId", "operation", "status"));

type Asked = Omit<z.output<typeof CallQuery>, "limit" | "cursor">;

export const list = readOperation({
  mount: "tenant",
  method: "get",
  path: "/api-calls",
  summary: "List API calls of the last 7 days, newest first; by actor, operation or status, and by time",
  can: "api-calls:read",
  expensive: true,
  store: "log",
  query: CallQuery,
  returns: pageOf(ApiCall).extend({ gap: Gap }),
  problems: ["invalid"],
  async run({ tenant, principal, cursors, now }, { query: { limit, cursor, ...asked } }) {
    const after = await cursors.open(cursor, asked);
    if (after instanceof Refusal) return after;
    const filter = filterOf(asked, principal, now);
    const { rows, counted, logged } = await tenant.read({
      rows: callRows(filter, after, limit + 1),
      counted: gateTotal(filter),
      logged: loggedTotal(filter),
    });
    const page = await cursors.page(
      rows,
      limit,
      asked,
      ({ id }) => id,
      (row) => row,
    );
    return { ...page, gap: gapOf(counted, logged) };
  },
});

export const usage = readOperation({
  mount: "tenant",
  method: "get",
  path: "/api-usage",
  summary: "Count API calls by hour, actor, operation and status, newest hour first; kept 90 days",
  can: "api-calls:read",
  expensive: true,
  store: "log",
  query: CallQuery,
  returns: pageOf(HourlyUsage).extend({ gap: Gap }),
  problems: ["invalid"],
  async run({ tenant, principal, cursors, now }, { query: { limit, cursor, ...asked } }) {
    const after = await cursors.open(cursor, asked);
    if (after instanceof Refusal) return after;
    const filter = filterOf(asked, principal, now);
    const { rows, counted, logged } = await tenant.read({
      rows: callCounts(filter, after === null ? null : CallCountKey.parse(JSON.parse(after)), limit + 1),
      counted: gateTotal(filter),
      logged: loggedTotal(filter),
    });
    const page = await cursors.page(
      rows,
      limit,
      asked,
      (row) => JSON.stringify(CallCountKey.parse(row)),
      (row) => row,
    );
    return { ...page, gap: gapOf(counted, logged) };
  },
});

function filterOf(asked: Asked, principal: Principal, now: number): CallFilter {
  return { ...asked, viewerId: principal.id, from: asked.from ?? timestamp(now - defaultWindowMs) };
}
