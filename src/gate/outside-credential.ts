import { verifyOutsideToken } from "#crypto/outside-token.ts";
import { cellOf } from "#platform/cells.ts";
import { systemNow } from "#platform/clock.ts";
import type { Env } from "#platform/env.ts";
import type { Credential } from "./authenticate.ts";
import { clerkClaims, hasSecondFactor, pointedClaims, provedAtOf } from "./outside-claims.ts";
import { maskOfClaims, type OutsideIssuer, termsOf } from "./outside-issuers.ts";
import { outsideKeys } from "./outside-keys.ts";
import { findOutsideMember } from "./outside-members.ts";
import { roles } from "./roles.ts";

/**
 * A member, by a session token of an outside issuer: what it says is the most they may do, what their row in the cell
 * says is the other bound. The signature is verified before anything is looked up. @throws IssuerUnavailable
 */
export async function fromOutsideToken(
  env: Env,
  issuer: OutsideIssuer,
  token: string,
  kid: string,
): Promise<Credential | null> {
  const now = systemNow();
  const keys = await outsideKeys(issuer.jwksUrl, kid, now);
  const verified = await verifyOutsideToken(token, keys, { ...issuer, nowSeconds: Math.floor(now / 1000) });
  if (!verified.ok) return null;
  const said =
    issuer.claims === "clerk" ? clerkClaims(verified.claims) : pointedClaims(verified.claims, issuer.claims);
  if (!said) return null;
  const person = {
    issuer: issuer.issuer,
    organization: said.organization,
    subject: verified.claims.sub,
  };
  const pointer = await findOutsideMember(env, person, now);
  const cell = pointer && cellOf(env, pointer.cell);
  if (!cell || pointer.memberId === null || pointer.indexId === null) return null;
  const terms = termsOf(issuer, said.role);
  return {
    kind: "member",
    principalId: pointer.memberId,
    cell,
    tenantId: pointer.tenantId,
    secretHash: null,
    scope: maskOfClaims(issuer, said),
    provedAtSeconds: provedAtOf(verified.claims),
    by: null,
    endsWith: [],
    issuedAtSeconds: null,
    outside: {
      memberRowId: pointer.indexId,
      hasSecondFactor: hasSecondFactor(verified.claims),
      seesAssignedAlone: terms !== null && roles[terms.role].scope === "assigned",
    },
  };
}
