import { systemSession } from "#db/open-tenant.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { secondMs, timestamp } from "#lib/time.ts";
import type { Env } from "#platform/env.ts";
import { gateOf } from "#platform/gates.ts";
import { newId } from "#platform/ids.ts";
import { errorFields, log } from "#platform/log.ts";
import { authenticate } from "./authenticate.ts";
import { hydrate } from "./hydrate.ts";
import { endingKey, leaked } from "./key-ends.ts";
import { hasLetter, leakOperation } from "./leak-letters.ts";

const mostTries = 3;

/**
 * Ends a key whose whole text somebody handed in; nothing for any other text. That its owners are written to is intended in
 * the same batch, for the first of a day: the sweeper does it within a minute or two.
 */
export async function endLeakedKey(
  env: Env,
  text: string,
  { requestId, now }: { requestId: string; now: number },
) {
  const credential = text.startsWith("kl_") ? await authenticate(env, `Bearer ${text}`) : null;
  if (credential?.kind !== "api-key" || credential.secretHash === null) return;
  const { cell, principalId, secretHash } = credential;
  const policy = await hydrate(cell.database, principalId, null);
  if (policy?.secretHash !== secretHash || policy.state !== "active") return;
  const session = await systemSession(env, cell.database, policy.tenantId);
  for (let tries = 1; tries <= mostTries; tries += 1) {
    const { row, places, isWritten } = await session.read({
      ...endingKey(principalId),
      isWritten: hasLetter(now),
    });
    if (!row || row.leakedAt !== null) return;
    const { changes } = leaked(row, places, "holder", now);
    const outcome = await commitAsSystem(session, { job: leakOperation, requestId, now }, changes, {
      step: "intend",
      id: newId("int"),
      operation: leakOperation,
      principalId,
      requestId,
      intent: JSON.stringify({ apiKeyId: principalId, at: timestamp(now), isNew: true, isWritten }),
      agent: null,
      keyToken: null,
      dueAt: now + secondMs,
    });
    if (outcome.kind !== "committed") continue;
    // Nothing depends on it: the epoch has moved.
    await gateOf(env, cell, principalId)
      .forget()
      .catch((error: unknown) => log("warn", "a gate was not told of a leaked key", errorFields(error)));
    return;
  }
  throw new Error("A leaked key kept changing.");
}
