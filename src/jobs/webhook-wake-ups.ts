import { z } from "zod";
import type { Cell } from "#platform/cells.ts";
import { errorFields, log } from "#platform/log.ts";

/** A wake-up: this endpoint has deliveries to try. */
export const EndpointWakeUp = z.object({ v: z.literal(1), tenantId: z.string(), endpointId: z.string() });

const mostPerSend = 100;

/** Wakes each of these endpoints once. Nothing depends on it: the sweeper finds what is due within a minute. */
export async function wakeEndpoints(
  cell: Cell,
  tenantId: string,
  queued: readonly { readonly endpointId: string }[],
  delaySeconds = 0,
): Promise<void> {
  const endpointIds = [...new Set(queued.map(({ endpointId }) => endpointId))];
  try {
    for (let start = 0; start < endpointIds.length; start += mostPerSend) {
      const some = endpointIds.slice(start, start + mostPerSend);
      await cell.webhooks.sendBatch(
        some.map((endpointId) => ({ body: { v: 1, tenantId, endpointId }, delaySeconds })),
      );
    }
  } catch (error) {
    log("warn", "an endpoint was not woken", errorFields(error));
  }
}
