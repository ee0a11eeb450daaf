import { type GcraLimit, type GcraOutcome, takeGcra } from "#lib/gcra.ts";

/**
 * How much somebody may change of their own account, and how many tokens they may have. Of a session less than of all of
 * theirs together: whoever stole a token of one keeps its owner from nothing in another.
 */
export const requestLimits = {
  session: { perMinute: 60, burst: 60 },
  user: { perMinute: 180, burst: 180 },
} as const satisfies Readonly<Record<string, GcraLimit>>;

/** When each bucket is full again, ms since 1970: the user's, and of each session that has taken something of late. */
export interface RequestState {
  readonly user: number | null;
  readonly sessions: ReadonlyMap<string, number>;
}

export const noRequests: RequestState = { user: null, sessions: new Map() };

export interface RequestTaken {
  readonly by: keyof typeof requestLimits;
  readonly outcome: GcraOutcome;
  readonly state: RequestState;
}

/** One more of this session. What either refuses is taken from neither. */
export function takeRequest(state: RequestState, sessionId: string, now: number): RequestTaken {
  const ofSession = takeGcra(state.sessions.get(sessionId) ?? null, now, requestLimits.session);
  if (!ofSession.admitted) return { by: "session", outcome: ofSession, state };
  const ofUser = takeGcra(state.user, now, requestLimits.user);
  if (!ofUser.admitted) return { by: "user", outcome: ofUser, state };
  // A bucket that is full again is as good as none, so there are never more than the user's own limit lets begin.
  const others = [...state.sessions].filter(([id, tatMs]) => id !== sessionId && tatMs > now);
  const sessions = new Map([...others, [sessionId, ofSession.tatMs]]);
  return { by: "session", outcome: ofSession, state: { user: ofUser.tatMs, sessions } };
}
