import { z } from "zod";
import { sessions, users } from "#db/directory-tables.ts";
import { one } from "#db/queries.ts";
import { refreshedAts } from "#db/session-refreshes.ts";
import type { Row } from "#db/tenant-table.ts";
import { meReadOperation, meWriteOperation } from "#http/account-operation.ts";
import { toldList } from "#http/fields.ts";
import { commit, refuse } from "#http/outcome.ts";
import { activeSessionsIn, sessionsIn, userById } from "#identity/accounts/account-queries.ts";
import { methodsOf } from "#identity/factors/methods.ts";
import { endSessions, inNewEpoch } from "./end-sessions.ts";
import { Session, SessionId } from "./schema.ts";

const mostListed = 100;

export const list = meReadOperation({
  mount: "me",
  method: "get",
  path: "/sessions",
  summary: "List where you are signed in, and were of late",
  store: "directory",
  returns: z.object({ data: toldList(Session, mostListed) }).meta({ id: "Sessions" }),
  problems: [],
  async run({ directory, user }) {
    const { found, used } = await directory.read({
      found: sessionsIn(userById(user.userId), mostListed),
      used: refreshedAts(user.userId, mostListed),
    });
    return { data: found.map((row) => presented(row, user.sessionId, used.get(row.id))) };
  },
});

function presented(row: Row<typeof sessions>, currentId: string, lastUsedAt = row.signedInAt) {
  return { ...row, methods: methodsOf(row), isCurrent: row.id === currentId, lastUsedAt };
}

export const end = meWriteOperation({
  mount: "me",
  method: "post",
  path: "/sessions/{sessionId}/end",
  summary: "End one of your sessions",
  store: "directory",
  params: z.object({ sessionId: SessionId }),
  returns: z.null(),
  status: 204,
  endsSessions: true,
  problems: ["not-found"],
  async run({ directory, user, now }, { params }) {
    const { found } = await directory.read({ found: one(sessions, params.sessionId) });
    if (!found) return refuse("not-found");
    if (found.state === "ended") return commit(null);
    const because = found.id === user.sessionId ? "signed-out" : "revoked";
    return commit(null, ...endSessions([found], because, now));
  },
});

export const endOthers = meWriteOperation({
  mount: "me",
  method: "post",
  path: "/sessions/end-others",
  summary: "End all your sessions but this one",
  store: "directory",
  returns: z.null(),
  status: 204,
  endsSessions: true,
  problems: [],
  async run({ directory, user, now }) {
    const { me, current, found } = await directory.read({
      me: one(users, user.userId),
      current: one(sessions, user.sessionId),
      found: activeSessionsIn(userById(user.userId)),
    });
    if (!me || !current) return refuse("unauthorized");
    const others = found.filter(({ id }) => id !== user.sessionId);
    return commit(null, ...inNewEpoch(me, current, now), ...endSessions(others, "revoked", now));
  },
});

export const signOut = meWriteOperation({
  mount: "me",
  method: "post",
  path: "/sign-out",
  summary: "End this session",
  store: "directory",
  isForLimited: true,
  returns: z.null(),
  status: 204,
  endsSessions: true,
  problems: [],
  async run({ directory, user, now }) {
    const { found } = await directory.read({ found: one(sessions, user.sessionId) });
    return commit(null, ...(found ? endSessions([found], "signed-out", now) : []));
  },
});
