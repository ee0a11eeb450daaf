import worker from "#index.ts";
import type { Env } from "#platform/env.ts";

// The Worker under test, but of its queues the calls' alone are consumed: a consumer that runs on its own time would go
// on with what a test has begun, sooner or later as the machine is busy. Tests hand their batches to `consume`.

export { AuditTree, Budget, Gate, Lockout, Mailbox } from "#index.ts";

export default {
  ...worker,
  queue: async (batch: MessageBatch, env: Env) => {
    if (batch.queue.startsWith("keyline-calls-")) await worker.queue(batch, env);
  },
};
