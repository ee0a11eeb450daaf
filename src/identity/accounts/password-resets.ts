import { z } from "zod";
import { type Change, insert, update } from "#db/changes.ts";
import { users } from "#db/directory-tables.ts";
import { one } from "#db/queries.ts";
import { commitAs, visitorOperation } from "#http/account-operation.ts";
import { AccountEmail } from "#http/fields.ts";
import { publicOperation } from "#http/operation.ts";
import { commit, Refusal, refuse } from "#http/outcome.ts";
import { tell } from "#identity/identity-events.ts";
import { choosePassword } from "#identity/passwords/choose-password.ts";
import { endSessions } from "#identity/sessions/end-sessions.ts";
import { TokenText } from "#identity/sessions/schema.ts";
import { oneTimeLinks, passwords } from "#identity/tables.ts";
import { hourMs, minuteMs, timestamp } from "#lib/time.ts";
import { mailTo } from "#mail/outgoing.ts";
import {
  activeSessionsIn,
  agentIn,
  openLinksIn,
  ownerOf,
  passwordIn,
  placesOf,
  tenantsIn,
  userByEmail,
  userByLink,
  userIn,
} from "./account-queries.ts";
import { uncounted } from "./attempt.ts";
import { isOpenLink } from "./one-time-links.ts";
import { NewPassword } from "./schema.ts";

const linkLivesMs = hourMs;

/** The answer and the work are the same whether or not there is an account. */
export const ask = visitorOperation({
  mount: "public",
  method: "post",
  path: "/v1/password-resets",
  summary: "Ask for a link to choose a new password",
  can: publicOperation({ because: "whoever forgot a password has none; the link goes to the address alone" }),
  store: "directory",
  body: z.strictObject({ email: AccountEmail }).meta({ id: "PasswordResetRequest" }),
  returns: z.null(),
  status: 204,
  problems: [],
  async run({ directory, accounts, now, newId, visitor }, { body: { email } }) {
    const identifier = (await accounts.emailToken(email)) ?? "";
    const reservation = await accounts.reserveTry({ purpose: "reset", identifier, address: visitor.address });
    if (reservation.outcome === "unavailable") return uncounted;
    if (reservation.outcome === "refused") return commit(null);
    const found = await directory.read({ users: userIn(userByEmail(identifier)) });
    const [user = null] = found.users;
    const userId = user?.state === "active" ? user.id : null;
    const id = newId("otl");
    const token = await accounts.makeToken("link", { id, turn: 0 });
    const link = `${accounts.issuer}/reset?token=${token}`;
    const expiresAt = timestamp(now + linkLivesMs);
    const validMinutes = linkLivesMs / minuteMs;
    return commit(
      null,
      insert(oneTimeLinks, { id, userId, purpose: "reset-password", state: "unused", expiresAt }, now),
      ...tell("user.password_reset_asked", userId),
      userId === null
        ? mailTo({ kind: "reset-unknown", to: email, data: {}, userId }, now)
        : mailTo({ kind: "reset-password", to: email, data: { link, validMinutes }, userId }, now),
    );
  },
});

export const complete = visitorOperation({
  mount: "public",
  method: "post",
  path: "/v1/password-resets/complete",
  summary: "Choose a new password by the link that was mailed; every session ends",
  can: publicOperation({ because: "the link's token is the credential" }),
  store: "directory",
  body: z.strictObject({ token: TokenText, password: NewPassword }).meta({ id: "PasswordReset" }),
  returns: z.null(),
  status: 204,
  endsSessions: true,
  problems: ["link-not-valid"],
  async run(context, { body }) {
    const { directory, accounts, now } = context;
    const named = await accounts.readToken("link", body.token);
    if (!named) return refuse("link-not-valid");
    const theirs = userByLink(named.id);
    const found = await directory.read({
      link: one(oneTimeLinks, named.id),
      users: userIn(theirs),
      passwords: passwordIn(theirs),
      sessions: activeSessionsIn(theirs),
      links: openLinksIn(theirs, "reset-password"),
      tenants: tenantsIn(theirs),
      agents: agentIn(theirs),
    });
    const { link } = found;
    const [user] = found.users;
    const [password] = found.passwords;
    if (!isOpenLink(link, "reset-password", now) || user?.state !== "active") return refuse("link-not-valid");
    const members = await accounts.membersOf(placesOf(found.tenants), user.id).catch(() => null);
    const chosen = await choosePassword(context, body.password, ownerOf(user, members, found.agents));
    if (chosen instanceof Refusal) return chosen;
    // Whoever has the mailbox need not wait for the end of a lock that others brought about.
    await accounts.clearSignIn((await accounts.emailToken(user.email)) ?? "");
    const data = { at: timestamp(now), resetLink: `${accounts.issuer}/forgot` };
    const changes: Change[] = [
      update(oneTimeLinks, link, { state: "used" }, now),
      ...found.links
        .filter(({ id }) => id !== link.id)
        .map((other) => update(oneTimeLinks, other, { state: "void" }, now)),
      password
        ? update(passwords, password, chosen, now)
        : insert(passwords, { id: context.newId("pwd"), userId: user.id, ...chosen }, now),
      update(users, user, { sessionEpoch: user.sessionEpoch + 1 }, now),
      ...endSessions(found.sessions, "password-changed", now),
      ...tell("user.password_reset", user.id),
      mailTo({ kind: "password-changed", to: user.email, data, userId: user.id }, now),
    ];
    return commitAs(user.id, null, ...changes);
  },
});
