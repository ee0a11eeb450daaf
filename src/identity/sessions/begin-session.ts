import type { z } from "zod";
import { type Change, insert } from "#db/changes.ts";
import { sessions } from "#db/directory-tables.ts";
import { firstRefresh } from "#db/session-refreshes.ts";
import type { DirectoryContext } from "#http/account-operation.ts";
import type { FactorCounts } from "#identity/factors/factors.ts";
import { tell } from "#identity/identity-events.ts";
import { timestamp } from "#lib/time.ts";
import { tokenLifeSeconds, userToken } from "./access-tokens.ts";
import { deviceOf } from "./device.ts";
import { sessionLifeMs, ssoSessionLifeMs } from "./refresh-rules.ts";
import type { Tokens } from "./schema.ts";

/** How a user signed in: methods as RFC 8176 names them, and whether a second factor was among them. */
export interface Proof {
  readonly user: { readonly id: string; readonly sessionEpoch: number };
  readonly methods: readonly string[];
  readonly isStrong: boolean;
  /** What they have to prove themselves with, for who is told that they signed in. */
  readonly factors: FactorCounts;
  /** The connection of a business's own sign-in, which the session is good for alone. */
  readonly sso?: string | null;
  /** ms since 1970, where that was not just now. */
  readonly provedAt?: number | null;
}

export interface Begun {
  readonly tokens: z.output<typeof Tokens>;
  readonly device: string;
  readonly changes: readonly Change[];
}

/** A session with its first tokens, and what brings it about. The user's row was read in this request, or is made in it. */
export async function beginSession(
  { newId, now, visitor, accounts }: DirectoryContext,
  { user, methods, isStrong, factors, sso = null, provedAt = null }: Proof,
): Promise<Begun> {
  const at = timestamp(now);
  const session = {
    id: newId("ses"),
    userId: user.id,
    sessionEpoch: user.sessionEpoch,
    device: deviceOf(visitor.userAgent),
    address: visitor.address,
    place: visitor.place,
    methods: JSON.stringify(methods),
    signedInAt: at,
    strongAt: isStrong ? at : null,
    // An issuer's clock may be ahead, and the request be older than its answer: no token tells of a proof to come.
    provedAt: timestamp(Math.min(provedAt ?? now, now)),
    sso,
    expiresAt: timestamp(now + (sso === null ? sessionLifeMs : ssoSessionLifeMs)),
    state: "active" as const,
  };
  return {
    tokens: {
      accessToken: await userToken(accounts, session, now),
      tenantId: null,
      expiresInSeconds: tokenLifeSeconds,
      refreshToken: await accounts.makeToken("refresh", { id: session.id, turn: 1 }),
      sessionId: session.id,
    },
    device: session.device,
    changes: [
      insert(sessions, session, now),
      firstRefresh(session.id, now),
      ...tell("user.signed_in", user.id, {
        sessionId: session.id,
        methods: methods.join(" "),
        ...factors,
      }),
    ],
  };
}
