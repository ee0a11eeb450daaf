import { type Change, insert, note } from "#db/changes.ts";
import { sessions } from "#db/directory-tables.ts";
import { firstRefresh } from "#db/session-refreshes.ts";
import type { DirectoryContext } from "#http/account-operation.ts";
import { timestamp } from "#lib/time.ts";
import { deviceOf } from "./device.ts";
import { sessionLifeMs } from "./refresh-rules.ts";

/** How a user signed in: methods as RFC 8176 names them, and whether a second factor was among them. */
export interface Proof {
  readonly user: { readonly id: string; readonly sessionEpoch: number };
  readonly methods: readonly string[];
  readonly isStrong: boolean;
}

export interface Begun {
  readonly sessionId: string;
  readonly device: string;
  readonly refreshToken: string;
  readonly changes: readonly Change[];
}

/** A session with its first refresh token, and what brings it about. The user's row was read in this request. */
export async function beginSession(
  { newId, now, visitor, accounts }: DirectoryContext,
  { user, methods, isStrong }: Proof,
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
    expiresAt: timestamp(now + sessionLifeMs),
    state: "active" as const,
  };
  return {
    sessionId: session.id,
    device: session.device,
    refreshToken: await accounts.makeToken("refresh", { id: session.id, turn: 1 }),
    changes: [
      insert(sessions, session, now),
      firstRefresh(session.id, now),
      note("user", user.id, { signedIn: true, session: session.id, methods: [...methods] }),
    ],
  };
}
