import { eq } from "drizzle-orm";
import { z } from "zod";
import { verifyPassword } from "#crypto/argon2id.ts";
import { insert, mustNotExist, note, update } from "#db/changes.ts";
import { users } from "#db/directory-tables.ts";
import { one } from "#db/queries.ts";
import { visitorOperation } from "#http/account-operation.ts";
import { AccountEmail, line } from "#http/fields.ts";
import { publicOperation } from "#http/operation.ts";
import { commit, Refusal, refuse } from "#http/outcome.ts";
import { noFactors } from "#identity/factors/factors.ts";
import { tell } from "#identity/identity-events.ts";
import { choosePassword } from "#identity/passwords/choose-password.ts";
import { beginSession } from "#identity/sessions/begin-session.ts";
import { Tokens, TokenText } from "#identity/sessions/schema.ts";
import { passwords, signUps } from "#identity/tables.ts";
import { hourMs, minuteMs, timestamp } from "#lib/time.ts";
import { mailTo } from "#mail/outgoing.ts";
import { attempt, uncounted } from "./attempt.ts";
import { GivenPassword, NewPassword } from "./schema.ts";

const linkLivesMs = 24 * hourMs;

/**
 * The answer and the work are the same whether or not there is an account of this address: nobody looks. Whose mailbox it
 * is learns what is so, from the mail.
 */
export const signUp = visitorOperation({
  mount: "public",
  method: "post",
  path: "/v1/sign-ups",
  summary: "Sign up: a link is mailed to the address",
  can: publicOperation({ because: "whoever has no account yet has no credentials" }),
  store: "directory",
  body: z
    .strictObject({
      name: line(200).meta({ examples: ["Ada Lovelace"] }),
      email: AccountEmail,
      password: NewPassword,
    })
    .meta({ id: "SignUp" }),
  returns: z.null(),
  status: 204,
  problems: [],
  async run(context, { body }) {
    const { accounts, strangerId, now, newId, visitor } = context;
    const { name, email } = body;
    const identifier = (await accounts.emailToken(email)) ?? "";
    const reservation = await accounts.reserveTry({
      purpose: "sign-up",
      identifier,
      address: visitor.address,
    });
    if (reservation.outcome === "unavailable") return uncounted;
    // As silent as if it had been mailed: nobody learns whom others write to. And nothing is hashed for a flood.
    if (reservation.outcome === "refused") return commit(null);
    const owner = { email, name, tenants: [], isPrivileged: false };
    const chosen = await choosePassword(context, body.password, owner);
    if (chosen instanceof Refusal) return chosen;
    const id = newId("sup");
    const token = await accounts.makeToken("sign-up", { id, turn: 0 });
    const link = `${accounts.issuer}/verify?token=${token}`;
    const data = {
      link,
      validMinutes: linkLivesMs / minuteMs,
      signInLink: `${accounts.issuer}/sign-in`,
      resetLink: `${accounts.issuer}/forgot`,
    };
    const { hash: passwordHash, mustRecheck, isStrong } = chosen;
    const expiresAt = timestamp(now + linkLivesMs);
    return commit(
      null,
      insert(
        signUps,
        { id, strangerId, name, email, passwordHash, mustRecheck, isStrong, state: "pending", expiresAt },
        now,
      ),
      mailTo({ kind: "sign-up", to: email, data, userId: null }, now),
    );
  },
});

/**
 * The link and the password that was signed up with, together: else somebody could sign up with another's address and
 * wait until its owner confirms an account whose password they know.
 */
export const verify = visitorOperation({
  mount: "public",
  method: "post",
  path: "/v1/sign-ups/verify",
  summary: "Confirm an address by the link that was mailed to it, and sign in",
  can: publicOperation({ because: "the link's token and the password are the credentials" }),
  store: "directory",
  body: z.strictObject({ token: TokenText, password: GivenPassword }).meta({ id: "SignUpVerification" }),
  returns: Tokens,
  status: 201,
  problems: ["link-not-valid", "sign-in-failed", "account-exists"],
  async run(context, { body }) {
    const { directory, accounts, now, newId, visitor } = context;
    const named = await accounts.readToken("sign-up", body.token);
    if (!named) return refuse("link-not-valid");
    const reservation = await accounts.reserveTry({
      purpose: "sign-in",
      identifier: named.id,
      address: visitor.address,
    });
    if (reservation.outcome === "unavailable") return uncounted;
    if (reservation.outcome === "refused") return refuse("sign-in-failed");
    const { isMatch, isOpen, signUp } = await attempt(reservation, async () => {
      const { signUp } = await directory.read({ signUp: one(signUps, named.id) });
      const isOpen = signUp?.state === "pending" && signUp.expiresAt > timestamp(now);
      if (!isOpen) return { isMatch: false, isOpen, signUp };
      const { isMatch } = await verifyPassword(body.password, signUp.passwordHash, now);
      return { isMatch, isOpen, signUp };
    });
    if (!isOpen || !signUp) return refuse("link-not-valid");
    if (!isMatch) return refuse("sign-in-failed", note("sign-up", signUp.id, { signInFailed: true }));
    const { name, email, passwordHash: hash, mustRecheck, isStrong } = signUp;
    const userId = newId("usr");
    const at = timestamp(now);
    const begun = await beginSession(context, {
      user: { id: userId, sessionEpoch: 0 },
      methods: ["pwd"],
      isStrong: false,
      factors: noFactors,
    });
    const token = await accounts.emailToken(email);
    return commit(
      begun.tokens,
      update(signUps, signUp, { state: "verified" }, now),
      mustNotExist(users, eq(users.emailToken, token ?? ""), { problem: "account-exists" }),
      insert(users, { id: userId, name, email, state: "active", emailVerifiedAt: at, sessionEpoch: 0 }, now),
      insert(passwords, { id: newId("pwd"), userId, hash, mustRecheck, isStrong }, now),
      ...tell("user.email_verified", userId),
      ...begun.changes,
    );
  },
});
