import { z } from "zod";
import { typeId } from "./typeid.ts";

/**
 * One API call as its log keeps it: ids, names of our own and numbers. What a client could put anything into (path,
 * query, body, address, user agent) is left out; the audit has the callers of what was changed, sealed.
 */
export interface CallRecord {
  /** The request's: unique, and it holds the time. */
  readonly id: string;
  /** The principal; its prefix says of which kind. */
  readonly actorId: string;
  /** The OAuth client that a member called through; null where they called themselves, and for all others. */
  readonly clientId: string | null;
  readonly operation: string;
  /** `GET /v1/tenants/{tenant}/orders/{orderId}`: the template, never what stood in its braces. */
  readonly route: string;
  readonly status: number;
  readonly problem: string | null;
  readonly durationMs: number;
  /** More than one only for refusals at the rate limit, which are gathered. */
  readonly times: number;
}

/** As many are sent at once; so a message stays well below the 128 kB that a queue takes, and all of them below 256. */
export const mostCallsPerMessage = 400;

const Name = z.string().max(64);
const Count = z.int().min(0);

/**
 * Calls of one tenant on their way: id, actor, operation, status, problem, duration and times of each, without their
 * names, as a call's way costs by its bytes; and the route of each operation once.
 */
export const CallMessage = z.object({
  v: z.literal(1),
  tenantId: z.string(),
  routes: z.record(Name, z.string().max(160)),
  calls: z
    .array(
      z.tuple([typeId("req"), Name, Name, z.int().min(100).max(599), Name.nullable(), Count, Count.min(1)]),
    )
    .min(1)
    .max(mostCallsPerMessage),
  /** By OAuth client: which of the calls members made through it, by their places from 0. Absent where there are none. */
  clients: z.record(Name, z.array(Count).max(mostCallsPerMessage)).optional(),
});
export type CallMessage = z.infer<typeof CallMessage>;

/**
 * How many calls of a principal its gate has counted so far in each hour (its start, ms since 1970). Whole numbers, not
 * steps: one that comes twice or late changes nothing.
 */
export const CountMessage = z.object({
  v: z.literal(1),
  tenantId: z.string(),
  actorId: Name,
  hours: z.array(z.tuple([Count, Count])).max(48),
});
export type CountMessage = z.infer<typeof CountMessage>;

export function messageOfCalls(tenantId: string, calls: readonly CallRecord[]): CallMessage {
  const clients: Record<string, number[]> = {};
  for (const [place, { clientId }] of calls.entries())
    if (clientId !== null) clients[clientId] = [...(clients[clientId] ?? []), place];
  return {
    v: 1,
    tenantId,
    routes: Object.fromEntries(calls.map(({ operation, route }) => [operation, route])),
    calls: calls.map((call) => {
      const { id, actorId, operation, status, problem, durationMs, times } = call;
      return [id, actorId, operation, status, problem, durationMs, times];
    }),
    ...(Object.keys(clients).length > 0 ? { clients } : {}),
  };
}

export function callsOfMessage({ routes, calls, clients = {} }: CallMessage): CallRecord[] {
  const clientAt = new Map(
    Object.entries(clients).flatMap(([clientId, places]) =>
      places.map((place) => [place, clientId] as const),
    ),
  );
  return calls.map(([id, actorId, operation, status, problem, durationMs, times], place) => ({
    id,
    actorId,
    clientId: clientAt.get(place) ?? null,
    operation,
    route: routes[operation] ?? "",
    status,
    problem,
    durationMs,
    times,
  }));
}
