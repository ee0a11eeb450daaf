import { eq, ne, sql } from "drizzle-orm";
import { type Change, insert, mustNotExist, update } from "#db/changes.ts";
import { ssoDomainClaims as claims, platformTenant } from "#db/directory-tables.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { many, one } from "#db/queries.ts";
import { all } from "#db/statement.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import type { Row } from "#db/tenant-table.ts";
import { timestamp } from "#lib/time.ts";
import { textsOf } from "#platform/dns.ts";
import type { Env } from "#platform/env.ts";
import { errorFields, log } from "#platform/log.ts";

export type Claim = Row<typeof claims>;

/** Where the world is asked, and told, whose a domain is; of the claims, one tenant's alone. */
export interface SsoDomainClaims {
  /** Whether DNS has this proof; null where it did not answer. */
  isProven(domain: string, proof: string): Promise<boolean | null>;
  /** Any number of times; whoever speaks for the domain already is not asked to stop. */
  claim(wanted: Pick<Claim, "id" | "domain" | "connectionId">): Promise<"claimed" | "taken">;
  /** Points a live claim at this connection. */
  follow(id: string, connectionId: string): Promise<void>;
  release(id: string): Promise<void>;
}

const mostTries = 5;

export function ssoDomainClaimsOf(env: Env, ownerId: string, run: SystemRun): SsoDomainClaims {
  // Nothing of a claim is sealed, so it takes no keys.
  const directory = keylessSession(env.DIRECTORY, platformTenant);
  const ofOwner = async (id: string) => {
    const claim = await directory.get(claims, id);
    return claim?.ownerId === ownerId ? claim : null;
  };
  return {
    isProven: (domain, proof) => isProven(env, domain, proof),
    claim: ({ id, domain, connectionId }) =>
      claimDomain(directory, { id, domain, connectionId, ownerId }, run),
    follow: (id, connectionId) =>
      changed(directory, run, async () => {
        const claim = await ofOwner(id);
        return claim?.state === "live" && claim.connectionId !== connectionId
          ? update(claims, claim, { connectionId }, run.now)
          : null;
      }),
    release: (id) =>
      changed(directory, run, async () => {
        const claim = await ofOwner(id);
        return claim?.state === "live" ? update(claims, claim, { state: "ended" }, run.now) : null;
      }),
  };
}

/** The name whose TXT record proves a domain. */
export function recordNameOf(domain: string): string {
  return `_keyline.${domain}`;
}

/** Whether DNS has this proof; null where it did not answer. */
export async function isProven(env: Env, domain: string, proof: string): Promise<boolean | null> {
  try {
    return (await textsOf(env, recordNameOf(domain))).some((text) => text.trim() === proof);
  } catch (error) {
    log("warn", "a domain's proof could not be looked up", errorFields(error));
    return null;
  }
}

async function claimDomain(
  directory: TenantSession,
  wanted: Pick<Claim, "id" | "domain" | "connectionId" | "ownerId">,
  run: SystemRun,
): Promise<"claimed" | "taken"> {
  const { id, domain, ownerId } = wanted;
  // In letters, as the index is of these rows alone.
  const isLive = all(eq(claims.domain, domain), sql`${claims.state} = 'live'`);
  for (let tries = 1; tries <= mostTries; tries += 1) {
    const {
      own,
      live: [live],
    } = await directory.read({ own: one(claims, id), live: many(claims, { where: isLive, limit: 1 }) });
    if (live && live.ownerId !== ownerId) return "taken";
    const terms = { ...wanted, state: "live" as const, checkedAt: timestamp(run.now) };
    const outcome = await commitAsSystem(directory, run, [
      mustNotExist(claims, all(isLive, ne(claims.ownerId, ownerId)), { problem: "domain-taken" }),
      // What the owner listed before and took away, and was not ended yet.
      ...(live && live.id !== id ? [update(claims, live, { state: "ended" }, run.now)] : []),
      // Written anew though it should be live: it moves, so that nobody ends what they read before.
      ...(own
        ? [update(claims, own, terms, run.now)]
        : [mustNotExist(claims, eq(claims.id, id), null), insert(claims, terms, run.now)]),
    ]);
    if (outcome.kind === "committed") return "claimed";
    if (outcome.kind === "refused") return "taken";
  }
  throw new Error("A domain's claim kept changing.");
}

async function changed(
  directory: TenantSession,
  run: SystemRun,
  next: () => Promise<Change | null>,
): Promise<void> {
  for (let tries = 1; tries <= mostTries; tries += 1) {
    const change = await next();
    if (change === null) return;
    if ((await commitAsSystem(directory, run, [change])).kind === "committed") return;
  }
  throw new Error("A domain's claim kept changing.");
}
