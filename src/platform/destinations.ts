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

const faults: Readonly<Record<DestinationFault, string>> = {
  malformed: "is not a URL in plain ASCII without spaces",
  "not-https": "is not https",
  "has-credentials": "has a user or password in it",
  "has-fragment": "has a fragment",
  "port-not-allowed": "has a port below 1024 other than 443",
  "is-an-address": "names an IP address; use a host name",
  "not-a-public-name": "is not a public host name",
  "not-resolved": "names a host that could not be looked up",
  "resolves-privately": "names a host that is not on the public internet",
};

/** The fault in words, to go after the field's name. */
export function describeFault(fault: DestinationFault): string {
  return faults[fault];
}
