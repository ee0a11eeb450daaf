import { sessionScope } from "#crypto/access-token.ts";
import { userAudience } from "#crypto/user-token.ts";
import type { sessions } from "#db/directory-tables.ts";
import type { Row } from "#db/tenant-table.ts";
import type { AccountPorts } from "#http/account-operation.ts";
import { methodsOf } from "#identity/factors/methods.ts";
import { minuteMs, secondMs } from "#lib/time.ts";

export const tokenLifeSeconds = (5 * minuteMs) / secondMs;

type Session = Pick<
  Row<typeof sessions>,
  "id" | "userId" | "methods" | "signedInAt" | "strongAt" | "provedAt"
>;

type Signer = Pick<AccountPorts, "issuer" | "sign">;

/** What every token of a session says (RFC 9068; `acr` and `amr` as OpenID Connect has them). */
export function claimsOf(issuer: string, session: Session, now: number) {
  const issuedAt = Math.floor(now / secondMs);
  return {
    iss: issuer,
    iat: issuedAt,
    exp: issuedAt + tokenLifeSeconds,
    sub: session.userId,
    sid: session.id,
    acr: session.strongAt === null ? "aal1" : "aal2",
    auth_time: Math.floor(Date.parse(session.provedAt ?? session.signedInAt) / secondMs),
    amr: methodsOf(session),
    jti: crypto.randomUUID(),
  };
}

/** For what is the user's own. */
export async function userToken(ports: AccountPorts, session: Session, now: number): Promise<string> {
  return await ports.sign({
    ...claimsOf(ports.issuer, session, now),
    aud: userAudience(ports.issuer),
  });
}

/** For one tenant that the user is a member of: for the session's own use, or for a client that acts for them. */
export async function tenantToken(
  ports: Signer,
  session: Session,
  place: { tenantId: string; cell: string; memberId: string },
  now: number,
  by: { scope: string; client_id?: string; grant?: string } = { scope: sessionScope },
): Promise<string> {
  return await ports.sign({
    ...claimsOf(ports.issuer, session, now),
    aud: ports.issuer,
    tenant: place.tenantId,
    cell: place.cell,
    member: place.memberId,
    ...by,
  });
}
