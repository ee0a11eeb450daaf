import { z } from "zod";
import type { Cell } from "#platform/cells.ts";
import { errorFields, log } from "#platform/log.ts";

/** A wake-up: this tenant's log has something that the sink of this name lacks. */
export const SinkWakeUp = z.object({ v: z.literal(1), tenantId: z.string(), sink: z.string() });

const mostPerSend = 100;

/** Nothing depends on it: the sweeper finds what is due within a minute. */
export async function wakeSinks(
  cell: Cell,
  lacking: readonly { readonly tenantId: string; readonly sink: string }[],
): Promise<void> {
  try {
    for (let start = 0; start < lacking.length; start += mostPerSend) {
      const some = lacking.slice(start, start + mostPerSend);
      await cell.sinks.sendBatch(some.map(({ tenantId, sink }) => ({ body: { v: 1, tenantId, sink } })));
    }
  } catch (error) {
    log("warn", "a sink of the audit's log was not woken", errorFields(error));
  }
}
