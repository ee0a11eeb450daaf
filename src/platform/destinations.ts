import { guardUrl, isPublicAddress, type UrlFault } from "#lib/url-guard.ts";
import { addressesOf } from "./dns.ts";
import type { Env } from "./env.ts";
import { errorFields, log } from "./log.ts";

export type DestinationFault = UrlFault | "not-resolved" | "resolves-privately";

/**
 * Why we must not send to this address, or null. Asked when it is set and again before each try, because names change
 * where they point; what remains of that gap is closed by `global_fetch_strictly_public` in wrangler.toml.
 */
export async function destinationFault(env: Env, text: string): Promise<DestinationFault | null> {
  const guarded = guardUrl(text, { allowLocalhost: isLocalDevelopment(env) });
  if (!guarded.ok) return guarded.fault;
  if (guarded.isLocal) return null;
  let addresses: string[];
  try {
    addresses = await addressesOf(env, guarded.url.hostname);
  } catch (error) {
    log("warn", "a name could not be looked up", errorFields(error));
    return "not-resolved";
  }
  if (addresses.length === 0) return "not-resolved";
  return addresses.every(isPublicAddress) ? null : "resolves-privately";
}

// Said twice, so that a variable carried into a deployment by mistake opens nothing there.
export function isLocalDevelopment(env: Pick<Env, "WEBHOOKS_TO_LOCALHOST" | "PUBLIC_ORIGIN">): boolean {
  return env.WEBHOOKS_TO_LOCALHOST === "true" && new URL(env.PUBLIC_ORIGIN).hostname === "localhost";
}
