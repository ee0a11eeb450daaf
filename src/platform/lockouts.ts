import type { Env, LockoutRpc } from "./env.ts";

/**
 * The one place where a lockout is made or found. It stands beside the directory, which has no jurisdiction; names are
 * logged, so a name is an HMAC and nothing that was given.
 */
export function lockoutOf(env: Env, name: string): DurableObjectStub<LockoutRpc> {
  return env.LOCKOUTS.getByName(name);
}

/** Is the namespace bound at all; whether its objects answer is for each try to see. */
export function hasLockouts(env: Env): boolean {
  return typeof env.LOCKOUTS?.getByName === "function";
}
