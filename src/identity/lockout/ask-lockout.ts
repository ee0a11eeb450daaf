import { secondMs } from "#lib/time.ts";
import { inTime } from "#platform/deadline.ts";
import type { Env, LockoutRpc } from "#platform/env.ts";
import { isRetryable } from "#platform/gates.ts";
import { lockoutOf } from "#platform/lockouts.ts";

const deadlineMs = 5 * secondMs;

/**
 * Asks the object of this name, twice where it was away. Of tries it counts one all the same: a reservation is known by its
 * id. @throws Error where it does not answer in time
 */
export async function askLockout<T>(
  env: Env,
  name: string,
  asking: (lockout: Pick<LockoutRpc, "reserve" | "settle" | "clear" | "take">) => Promise<T>,
): Promise<T> {
  const once = () => inTime(deadlineMs, "A lockout", asking(lockoutOf(env, name)));
  try {
    return await once();
  } catch (error) {
    if (!isRetryable(error)) throw error;
    // A stub is of no use after an exception: ask by a new one.
    return await once();
  }
}
