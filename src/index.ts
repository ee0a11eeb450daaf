import { createApp } from "#app.ts";
import { consume } from "#jobs/consume.ts";
import { runScheduled } from "#jobs/scheduled.ts";
import { systemNow } from "#platform/clock.ts";
import type { Env } from "#platform/env.ts";
import { registry } from "#resources/index.ts";

export { Gate } from "#gate/gate.ts";
export { Budget } from "#identity/budgets/budget.ts";
export { Lockout } from "#identity/lockout/lockout.ts";
export { AuditTree } from "#jobs/audit-tree/audit-tree.ts";
export { Mailbox } from "#platform/mail/mailbox-object.ts";

const app = createApp();

export default {
  fetch: (request, env, context) => app.fetch(request, env, context),
  queue: (batch, env) => consume(env, batch, systemNow()),
  scheduled: (_event, env) => runScheduled(env, registry, systemNow()),
} satisfies ExportedHandler<Env>;
