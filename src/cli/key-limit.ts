import { eq } from "drizzle-orm";
import { z } from "zod";
import { many, one, uniqueIndexOf } from "#db/queries.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import { keyLimits } from "#gate/key-limits.ts";
import { apiKeys } from "#gate/tables.ts";
import { Instant, line } from "#http/fields.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { endFault, limitSet } from "#resources/api-keys/limit-rules.ts";
import { noSuchSlug, sessionOfSlug } from "./tenant.ts";

const count = (most: number) => z.string().regex(/^\d+$/).transform(Number).pipe(z.int().min(1).max(most));

const Terms = z.object({
  perMinute: count(100_000),
  burst: count(10_000),
  until: Instant,
  reason: line(200),
});

/** As it is typed. */
export type LimitOrder = Readonly<Record<"tenant" | "key" | keyof typeof Terms.shape, string>>;

/** Holds a tenant's key to any rate, the plan's or not: the one way beyond what is sold, and until some moment alone. */
export async function limitKey(
  env: Env,
  order: LimitOrder,
  run: SystemRun,
): Promise<{ said: string; isDone: boolean }> {
  const terms = Terms.safeParse(order);
  if (!terms.success)
    return refused(terms.error.issues.map(({ path, message }) => `--${optionOf(path)}: ${message}`));
  const { perMinute, burst, until, reason } = terms.data;
  const fault = endFault(until, run.now);
  if (fault) return refused([`--until ${fault}.`]);
  const session = await sessionOfSlug(env, order.tenant);
  if (!session) return refused([noSuchSlug]);
  const { key, limits } = await session.read({
    key: one(apiKeys, order.key),
    limits: many(keyLimits, {
      ...uniqueIndexOf(keyLimits),
      where: eq(keyLimits.apiKeyId, order.key),
      limit: 1,
    }),
  });
  if (!key || key.revokedAt !== null) return refused(["The tenant has no such key, or it was revoked."]);
  const asked = { perMinute, burst, reason, expiresAt: until, creatorId: null };
  const { changes } = limitSet(key, limits[0] ?? null, asked, newId("kli"), run.now);
  const { kind } = await commitAsSystem(session, run, changes);
  if (kind !== "committed") return refused(["Somebody else changed the key's limit meanwhile; look again."]);
  return {
    said: `${key.id} is held to ${perMinute} a minute, ${burst} at once, until ${until}.`,
    isDone: true,
  };
}

function refused(lines: readonly string[]): { said: string; isDone: false } {
  return { said: lines.join("\n"), isDone: false };
}

function optionOf([name]: readonly PropertyKey[]): string {
  return name === "perMinute" ? "per-minute" : String(name);
}
