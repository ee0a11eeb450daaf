import { z } from "zod";
import { update } from "#db/changes.ts";
import { sessions, users } from "#db/directory-tables.ts";
import { one } from "#db/queries.ts";
import { meReadOperation, meWriteOperation } from "#http/account-operation.ts";
import { commit, Refusal, refuse } from "#http/outcome.ts";
import { securityAge } from "#identity/factors/security-age.ts";
import { tell } from "#identity/identity-events.ts";
import { choosePassword } from "#identity/passwords/choose-password.ts";
import { endSessions, inNewEpoch } from "#identity/sessions/end-sessions.ts";
import { passwords } from "#identity/tables.ts";
import { parseSsoReference } from "#lib/sso-reference.ts";
import { timestamp } from "#lib/time.ts";
import { mailTo } from "#mail/outgoing.ts";
import {
  activeSessionsIn,
  agentIn,
  ownerOf,
  passwordIn,
  placesOf,
  tenantsIn,
  userById,
} from "./account-queries.ts";
import { provePassword } from "./prove-password.ts";
import { GivenPassword, Memberships, NewPassword, User } from "./schema.ts";

export const get = meReadOperation({
  mount: "me",
  method: "get",
  path: "",
  summary: "Read your account",
  store: "directory",
  isForLimited: true,
  returns: User,
  problems: [],
  async run({ directory, user }) {
    const { me, passwords } = await directory.read({
      me: one(users, user.userId),
      passwords: passwordIn(userById(user.userId)),
    });
    return me ? { ...me, hasPassword: passwords.length > 0 } : refuse("unauthorized");
  },
});

export const tenants = meReadOperation({
  mount: "me",
  method: "get",
  path: "/tenants",
  summary: "List the businesses that you are a member of",
  store: "directory",
  isForLimited: true,
  returns: Memberships,
  problems: [],
  async run({ directory, accounts, user }) {
    const { found, session } = await directory.read({
      found: tenantsIn(userById(user.userId)),
      session: one(sessions, user.sessionId),
    });
    const only = session?.sso ? parseSsoReference(session.sso)?.tenantId : null;
    const places = placesOf(found).filter(({ tenantId }) => !only || tenantId === only);
    return { data: await accounts.membersOf(places, user.userId) };
  },
});

export const changePassword = meWriteOperation({
  mount: "me",
  method: "post",
  path: "/password",
  summary: "Change your password; your other sessions end",
  store: "directory",
  provedWithinSeconds: securityAge,
  body: z
    .strictObject({ currentPassword: GivenPassword, password: NewPassword })
    .meta({ id: "PasswordChange" }),
  returns: z.null(),
  status: 204,
  endsSessions: true,
  problems: ["no-password"],
  async run(context, { body }) {
    const { directory, accounts, user, now } = context;
    const mine = userById(user.userId);
    const found = await directory.read({
      me: one(users, user.userId),
      current: one(sessions, user.sessionId),
      passwords: passwordIn(mine),
      sessions: activeSessionsIn(mine),
      tenants: tenantsIn(mine),
      agents: agentIn(mine),
    });
    const { me } = found;
    const [password] = found.passwords;
    const { current } = found;
    if (!me || !current) return refuse("unauthorized");
    if (!password) return refuse("no-password");
    const given = { text: body.currentPassword, pointer: "/currentPassword" };
    const refusal = await provePassword(context, me, password, given);
    if (refusal) return refusal;
    const members = await accounts.membersOf(placesOf(found.tenants), user.userId).catch(() => null);
    const chosen = await choosePassword(context, body.password, ownerOf(me, members, found.agents));
    if (chosen instanceof Refusal) return chosen;
    const others = found.sessions.filter(({ id }) => id !== user.sessionId);
    const data = { at: timestamp(now), resetLink: `${accounts.issuer}/forgot` };
    return commit(
      null,
      update(passwords, password, chosen, now),
      ...inNewEpoch(me, current, now),
      ...endSessions(others, "password-changed", now),
      ...tell("user.password_changed", user.userId),
      mailTo({ kind: "password-changed", to: me.email, data, userId: user.userId }, now),
    );
  },
});
