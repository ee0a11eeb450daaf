import { z } from "zod";
import { hashPassword, verifyDecoy, verifyPassword } from "#crypto/argon2id.ts";
import { type Change, insert, note, update } from "#db/changes.ts";
import { mustStand } from "#db/directory.ts";
import {
  commitAs,
  type DirectoryContext,
  type VisitorContext,
  visitorOperation,
} from "#http/account-operation.ts";
import { publicOperation } from "#http/operation.ts";
import { Refusal, refuse } from "#http/outcome.ts";
import { mailTo } from "#identity/mail/outgoing.ts";
import { tokenLifeSeconds, userToken } from "#identity/sessions/access-tokens.ts";
import { beginSession } from "#identity/sessions/begin-session.ts";
import { Tokens } from "#identity/sessions/schema.ts";
import { oneTimeLinks, passwords } from "#identity/tables.ts";
import { hourMs, minuteMs, timestamp } from "#lib/time.ts";
import { passwordIn, sessionsIn, userByEmail, userIn } from "./account-queries.ts";
import { attempt } from "./attempt.ts";
import { Email, GivenPassword } from "./schema.ts";

const unlockLivesMs = 24 * hourMs;

/** Silent: who is locked out, who is unknown and who is wrong are answered alike. */
export const signIn = visitorOperation({
  mount: "public",
  method: "post",
  path: "/v1/sign-in",
  summary: "Sign in with an e-mail address and a password",
  can: publicOperation({ because: "the password is the credential" }),
  store: "directory",
  body: z.strictObject({ email: Email, password: GivenPassword }).meta({ id: "SignIn" }),
  returns: Tokens,
  status: 201,
  problems: ["sign-in-failed", "password-change-required"],
  async run(context, { body }) {
    const { directory, accounts, now, visitor } = context;
    const identifier = (await accounts.emailToken(body.email)) ?? "";
    const reservation = await accounts.reserveTry({
      purpose: "sign-in",
      identifier,
      address: visitor.address,
    });
    if (reservation.outcome === "unavailable")
      return new Refusal("unavailable", { retryAfterSeconds: 5 }, []);
    if (reservation.outcome === "refused") return refuse("sign-in-failed");
    const theirs = userByEmail(identifier);
    const tried = await attempt(reservation, async () => {
      const { users, passwords, earlier } = await directory.read({
        users: userIn(theirs),
        passwords: passwordIn(theirs),
        earlier: sessionsIn(theirs, 20),
      });
      const [user] = users;
      const [password] = passwords;
      const compared =
        user?.state === "active" && password
          ? await verifyPassword(body.password, password.hash, now)
          : { isMatch: await verifyDecoy(body.password, now), needsRehash: false };
      return { ...compared, user, password, earlier };
    });
    const { isMatch, needsRehash, lockedUntil, user, password, earlier } = tried;
    if (!isMatch || !user || !password)
      return refuse("sign-in-failed", ...(await failed(context, body.email, user?.id ?? null, lockedUntil)));
    // When it was chosen the service that knows of breaches was away; until it answers, each sign-in asks.
    const recheck = password.mustRecheck === 1 ? await accounts.breachAnswer(body.password) : "unavailable";
    if (recheck === "breached")
      return refuse("password-change-required", note("user", user.id, { passwordBreached: true }));
    const patch = {
      ...(recheck === "clear" ? { mustRecheck: 0 } : {}),
      ...(needsRehash ? { hash: await hashPassword(body.password, now) } : {}),
    };
    const begun = await beginSession(context, { user, methods: ["pwd"], isStrong: false });
    const session = {
      id: begun.sessionId,
      userId: user.id,
      methods: '["pwd"]',
      signedInAt: timestamp(now),
      strongAt: null,
    };
    const { device } = begun;
    const isKnown = earlier.some((each) => each.device === device);
    return commitAs(
      user.id,
      {
        accessToken: await userToken(accounts, session, now),
        tenantId: null,
        expiresInSeconds: tokenLifeSeconds,
        refreshToken: begun.refreshToken,
        sessionId: begun.sessionId,
      },
      mustStand(user),
      ...begun.changes,
      ...(Object.keys(patch).length > 0 ? [update(passwords, password, patch, now)] : []),
      ...(isKnown ? [] : [newDevice(context, user, device)]),
    );
  },
});

function newDevice(
  { accounts, now, visitor }: VisitorContext,
  user: { id: string; email: string },
  device: string,
) {
  const data = {
    at: timestamp(now),
    device,
    place: visitor.place ?? "an unknown place",
    sessionsLink: `${accounts.issuer}/sessions`,
  };
  return mailTo({ kind: "new-device", to: user.email, data, userId: user.id }, now);
}

/** The same statements for whoever exists and for who does not. */
export async function failed(
  { accounts, newId, now }: DirectoryContext,
  email: string,
  userId: string | null,
  lockedUntil: number | null,
): Promise<Change[]> {
  const told = note("user", userId ?? "unknown", { signInFailed: true, locked: lockedUntil !== null });
  if (lockedUntil === null) return [told];
  const id = newId("lnk");
  const token = await accounts.makeToken("link", { id, turn: 0 });
  const data = { link: `${accounts.issuer}/unlock?token=${token}`, validMinutes: unlockLivesMs / minuteMs };
  return [
    told,
    insert(
      oneTimeLinks,
      { id, userId, purpose: "clear-lock", state: "unused", expiresAt: timestamp(now + unlockLivesMs) },
      now,
    ),
    mailTo({ kind: "locked-out", to: email, data, userId }, now),
  ];
}
