import { sql } from "drizzle-orm";
import { sessionScope } from "#crypto/access-token.ts";
import {
  directoryTenants,
  platformTenant,
  sessions,
  supportAgents,
  supportVisits,
} from "#db/directory-tables.ts";
import { many, one } from "#db/queries.ts";
import type { Row } from "#db/tenant-table.ts";
import type { MeContext } from "#http/account-operation.ts";
import { Refusal, refuse } from "#http/outcome.ts";
import { methodsOf } from "#identity/factors/methods.ts";
import { restsOnSms } from "#identity/factors/sms-strength.ts";
import { claimsOf } from "#identity/sessions/access-tokens.ts";
import { encodeBase32Number } from "#lib/base32.ts";
import { derivedId } from "#lib/derived-id.ts";
import { minuteMs, secondMs } from "#lib/time.ts";
import { isAgent } from "./agents.ts";

/** Who asks, in which session, and the agent that they are, if they are one. */
export function asking({ user }: MeContext) {
  return {
    current: one(sessions, user.sessionId),
    agents: many(supportAgents, { where: isAgent(user.userId), limit: 1 }),
  };
}

/**
 * What the session is called that this request begins: the same however often it is sent, and however often it runs, so
 * that it begins one. Of requests that are sent again later than within their minute, the first is over with its time.
 */
export async function visitId({ repeats, requestId, now }: MeContext): Promise<string> {
  if (repeats === null) return `sps_${requestId.slice(requestId.indexOf("_") + 1)}`;
  const minute = Math.floor(now / minuteMs) * minuteMs;
  return await derivedId(`sps_${encodeBase32Number(minute, 10)}`, repeats);
}

/** The business of this visit. */
export function visitedBy(visitId: string) {
  const { tenantId, id, visitedTenantId } = supportVisits;
  const visited = sql`select ${visitedTenantId} from ${supportVisits} where ${tenantId} = ${platformTenant} and ${id} = ${visitId}`;
  return many(directoryTenants, { where: sql`${directoryTenants.id} in (${visited})`, limit: 1 });
}

/**
 * Why this session is none to help a business in; null where it is: a second factor was proved in it, of the agent's own
 * and no text to a telephone, and not longer ago than this, in seconds.
 */
export function unprovedFactor(
  session: Row<typeof sessions>,
  now: number,
  maxAgeSeconds: number | null,
): Refusal | null {
  if (session.strongAt === null || restsOnSms(methodsOf(session)))
    return refuse("second-factor-enrolment-required");
  const isRecent = maxAgeSeconds === null || now - Date.parse(session.strongAt) <= maxAgeSeconds * secondMs;
  return isRecent ? null : new Refusal("step-up-required", { maxAgeSeconds }, []);
}

/**
 * A token of a business that says who acts, and as far as whom (RFC 8693, section 4.1). As long as each of ours, and no
 * longer than the session: the agent asks for another, which is when their account is looked at again.
 */
export async function visitToken(
  { accounts, now }: MeContext,
  visit: Row<typeof supportVisits>,
  cell: string,
  session: Row<typeof sessions>,
) {
  const { sub: _, exp, ...claims } = claimsOf(accounts.issuer, session, now);
  const ends = Math.floor(Date.parse(visit.expiresAt) / secondMs);
  const expires = Math.max(Math.min(exp, ends), claims.iat + 1);
  const accessToken = await accounts.sign({
    ...claims,
    exp: expires,
    aud: accounts.issuer,
    sub: visit.memberId,
    act: { sub: visit.agentId },
    tenant: visit.visitedTenantId,
    cell,
    scope: sessionScope,
    support: visit.id,
    support_ends: ends,
  });
  return { accessToken, expiresInSeconds: expires - claims.iat };
}

export function presentVisit({
  visitedTenantId: tenantId,
  sessionId: _,
  ...visit
}: Row<typeof supportVisits>) {
  return { ...visit, tenantId };
}
