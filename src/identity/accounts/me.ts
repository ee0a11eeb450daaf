import { z } from "zod";
import { verifyPassword } from "#crypto/argon2id.ts";
import { note, update } from "#db/changes.ts";
import { sessions, users } from "#db/directory-tables.ts";
import { one } from "#db/queries.ts";
import { meReadOperation, meWriteOperation } from "#http/account-operation.ts";
import { commit, Refusal, refuse } from "#http/outcome.ts";
import { mailTo } from "#identity/mail/outgoing.ts";
import { choosePassword } from "#identity/passwords/choose-password.ts";
import { endSessions, inNewEpoch } from "#identity/sessions/end-sessions.ts";
import { passwords } from "#identity/tables.ts";
import { timestamp } from "#lib/time.ts";
import { activeSessionsIn, ownerOf, passwordIn, placesOf, tenantsIn, userById } from "./account-queries.ts";
import { attempt } from "./attempt.ts";
import { GivenPassword, Memberships, NewPassword, User } from "./schema.ts";
import { failed } from "./sign-in.ts";

export const get = meReadOperation({
  mount: "me",
  method: "get",
  path: "",
  summary: "Read your account",
  store: "directory",
  returns: User,
  problems: [],
  async run({ directory, user }) {
    return (await directory.get(users, user.userId)) ?? refuse("unauthorized");
  },
});

export const tenants = meReadOperation({
  mount: "me",
  method: "get",
  path: "/tenants",
  summary: "List the businesses that you are a member of",
  store: "directory",
  returns: Memberships,
  problems: [],
  async run({ directory, accounts, user }) {
    const { found } = await directory.read({ found: tenantsIn(userById(user.userId)) });
    return { data: await accounts.membersOf(placesOf(found), user.userId) };
  },
});

export const changePassword = meWriteOperation({
  mount: "me",
  method: "post",
  path: "/password",
  summary: "Change your password; your other sessions end",
  store: "directory",
  body: z
    .strictObject({ currentPassword: GivenPassword, password: NewPassword })
    .meta({ id: "PasswordChange" }),
  returns: z.null(),
  status: 204,
  endsSessions: true,
  problems: [],
  async run(context, { body }) {
    const { directory, accounts, user, now, visitor } = context;
    const mine = userById(user.userId);
    const found = await directory.read({
      me: one(users, user.userId),
      current: one(sessions, user.sessionId),
      passwords: passwordIn(mine),
      sessions: activeSessionsIn(mine),
      tenants: tenantsIn(mine),
    });
    const { me } = found;
    const [password] = found.passwords;
    if (!me || !password) return refuse("unauthorized");
    const identifier = (await accounts.emailToken(me.email)) ?? "";
    const reservation = await accounts.reserveTry({
      purpose: "sign-in",
      identifier,
      address: visitor.address,
    });
    if (reservation.outcome === "unavailable")
      return new Refusal("unavailable", { retryAfterSeconds: 5 }, []);
    const { isMatch, lockedUntil } =
      reservation.outcome === "admitted"
        ? await attempt(reservation, () => verifyPassword(body.currentPassword, password.hash, now))
        : { isMatch: false, lockedUntil: null };
    if (!isMatch) {
      const errors = [{ pointer: "/currentPassword", detail: "is not your password" }];
      const told =
        reservation.outcome === "admitted" ? await failed(context, me.email, me.id, lockedUntil) : [];
      return new Refusal("invalid", { errors }, told);
    }
    const members = await accounts.membersOf(placesOf(found.tenants), user.userId).catch(() => null);
    const chosen = await choosePassword(context, body.password, ownerOf(me, members));
    if (chosen instanceof Refusal) return chosen;
    const others = found.sessions.filter(({ id }) => id !== user.sessionId);
    const data = { at: timestamp(now), resetLink: `${accounts.issuer}/forgot` };
    return commit(
      null,
      update(passwords, password, chosen, now),
      ...inNewEpoch(me, found.current ? [found.current] : [], user.sessionId, now),
      ...endSessions(others, "password-changed", now),
      note("user", user.userId, { passwordChanged: true }),
      mailTo({ kind: "password-changed", to: me.email, data, userId: user.userId }, now),
    );
  },
});
