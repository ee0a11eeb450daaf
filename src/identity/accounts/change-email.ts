import { eq } from "drizzle-orm";
import { z } from "zod";
import { insert, mustNotExist, update } from "#db/changes.ts";
import { mustStand } from "#db/directory.ts";
import { users } from "#db/directory-tables.ts";
import { one } from "#db/queries.ts";
import { commitAs, meWriteOperation, visitorOperation } from "#http/account-operation.ts";
import { AccountEmail } from "#http/fields.ts";
import { publicOperation } from "#http/operation.ts";
import { commit, refuse } from "#http/outcome.ts";
import { securityAge } from "#identity/factors/security-age.ts";
import { tell } from "#identity/identity-events.ts";
import { TokenText } from "#identity/sessions/schema.ts";
import { emailChanges, oneTimeLinks } from "#identity/tables.ts";
import { domainOf } from "#lib/email-address.ts";
import { hourMs, minuteMs, timestamp } from "#lib/time.ts";
import { mailTo } from "#mail/outgoing.ts";
import {
  openLinksIn,
  passwordIn,
  placesOf,
  tenantsIn,
  userByEmailChange,
  userIn,
} from "./account-queries.ts";
import { uncounted } from "./attempt.ts";
import { provePassword } from "./prove-password.ts";
import { GivenPassword, User } from "./schema.ts";

const linkLivesMs = hourMs;

/** Whether the address is somebody's is not looked at here: whoever's mailbox it is learns of nothing then. */
export const ask = meWriteOperation({
  mount: "me",
  method: "post",
  path: "/email",
  summary: "Ask for another e-mail address; a link goes to it",
  store: "directory",
  provedWithinSeconds: securityAge,
  body: z.strictObject({ email: AccountEmail }).meta({ id: "EmailChange" }),
  returns: z.null(),
  status: 204,
  problems: [],
  async run({ accounts, newId, user: { userId }, visitor, now }, { body: { email } }) {
    const identifier = (await accounts.emailToken(email)) ?? "";
    const { address } = visitor;
    const reservation = await accounts.reserveTry({ purpose: "sign-up", identifier, address });
    if (reservation.outcome === "unavailable") return uncounted;
    if (reservation.outcome === "refused") return commit(null);
    const id = newId("emc");
    const token = await accounts.makeToken("email-change", { id, turn: 0 });
    const data = {
      link: `${accounts.issuer}/confirm-email?token=${token}`,
      validMinutes: linkLivesMs / minuteMs,
    };
    const expiresAt = timestamp(now + linkLivesMs);
    return commit(
      null,
      insert(emailChanges, { id, userId, email, state: "open", expiresAt }, now),
      ...tell("user.email_change_asked", userId),
      mailTo({ kind: "verify-email", to: email, data, userId }, now),
    );
  },
});

/**
 * The link and the account's password together, as at a sign-up: the mailbox's owner alone would give their address to
 * somebody else's account, and its user alone would take an address that is not theirs.
 */
export const complete = visitorOperation({
  mount: "public",
  method: "post",
  path: "/v1/email-changes/complete",
  summary: "Take another e-mail address, by the link that was mailed to it and your password",
  can: publicOperation({ because: "the link's token and the password are the credentials" }),
  store: "directory",
  body: z.strictObject({ token: TokenText, password: GivenPassword }).meta({ id: "EmailChangeCompletion" }),
  returns: User,
  problems: ["link-not-valid", "no-password", "account-exists", "sso-required"],
  async run(context, { body }) {
    const { directory, accounts, now } = context;
    const named = await accounts.readToken("email-change", body.token);
    if (!named) return refuse("link-not-valid");
    const theirs = userByEmailChange(named.id);
    const found = await directory.read({
      change: one(emailChanges, named.id),
      users: userIn(theirs),
      passwords: passwordIn(theirs),
      links: openLinksIn(theirs, "reset-password"),
      tenants: tenantsIn(theirs),
    });
    const { change } = found;
    const [user] = found.users;
    const [password] = found.passwords;
    const isOpen = change?.state === "open" && change.expiresAt > timestamp(now);
    if (!isOpen || user?.state !== "active") return refuse("link-not-valid");
    // Theirs to choose by a link to the address of before; this link still works then.
    if (!password) return refuse("no-password");
    const given = { text: body.password, pointer: "/password" };
    const refusal = await provePassword(context, user, password, given);
    if (refusal) return refusal;
    const members = await accounts.membersOf(placesOf(found.tenants), user.id);
    // Else whoever must come by their business's own sign-in would have another way in, also after it has let them go.
    if (
      members.some(({ role, sso }) => role !== "owner" && sso.enforcedDomains.includes(domainOf(user.email)))
    )
      return refuse("sso-required");
    const at = timestamp(now);
    const { email } = change;
    const taken = await accounts.emailToken(email);
    const changed = update(users, user, { email, emailVerifiedAt: at }, now);
    return commitAs(
      user.id,
      { ...changed.row, hasPassword: true },
      mustNotExist(users, eq(users.emailToken, taken ?? ""), { problem: "account-exists" }),
      mustStand(user),
      changed,
      update(emailChanges, change, { state: "done" }, now),
      // They were mailed to the address of before.
      ...found.links.map((link) => update(oneTimeLinks, link, { state: "void" }, now)),
      ...tell("user.email_changed", user.id),
      mailTo({ kind: "email-changed", to: user.email, data: { at }, userId: user.id }, now),
    );
  },
});
