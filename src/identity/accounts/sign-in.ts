import { z } from "zod";
import { hashPassword, verifyDecoy, verifyPassword } from "#crypto/argon2id.ts";
import { type Change, insert, update } from "#db/changes.ts";
import { commitAs, type DirectoryContext, visitorOperation } from "#http/account-operation.ts";
import { AccountEmail } from "#http/fields.ts";
import { publicOperation } from "#http/operation.ts";
import { refuse } from "#http/outcome.ts";
import { factorQueries } from "#identity/factors/factor-queries.ts";
import { choicesOf, factorsOf } from "#identity/factors/factors.ts";
import { tell } from "#identity/identity-events.ts";
import { Tokens } from "#identity/sessions/schema.ts";
import { oneTimeLinks, passwords } from "#identity/tables.ts";
import { hourMs, minuteMs, timestamp } from "#lib/time.ts";
import { mailTo } from "#mail/outgoing.ts";
import { passwordIn, sessionsIn, userByEmail, userIn } from "./account-queries.ts";
import { attempt, uncounted } from "./attempt.ts";
import { challengeFor } from "./challenge.ts";
import { letIn } from "./let-in.ts";
import { GivenPassword } from "./schema.ts";

const unlockLivesMs = 24 * hourMs;

/** Silent: who is locked out, who is unknown and who is wrong are answered alike. */
export const signIn = visitorOperation({
  mount: "public",
  method: "post",
  path: "/v1/sign-in",
  summary: "Sign in with an e-mail address and a password",
  can: publicOperation({ because: "the password is the credential" }),
  store: "directory",
  body: z.strictObject({ email: AccountEmail, password: GivenPassword }).meta({ id: "SignIn" }),
  returns: Tokens,
  status: 201,
  problems: ["sign-in-failed", "second-factor-required", "password-change-required"],
  async run(context, { body }) {
    const { directory, accounts, now, visitor } = context;
    const identifier = (await accounts.emailToken(body.email)) ?? "";
    const reservation = await accounts.reserveTry({
      purpose: "sign-in",
      identifier,
      address: visitor.address,
    });
    if (reservation.outcome === "unavailable") return uncounted;
    if (reservation.outcome === "refused") return refuse("sign-in-failed");
    const theirs = userByEmail(identifier);
    const tried = await attempt(reservation, async () => {
      const { users, passwords, earlier, ...factors } = await directory.read({
        users: userIn(theirs),
        passwords: passwordIn(theirs),
        ...factorQueries(theirs),
        earlier: sessionsIn(theirs, 20),
      });
      const [user] = users;
      const [password] = passwords;
      const compared =
        user?.state === "active" && password
          ? await verifyPassword(body.password, password.hash, now)
          : { isMatch: await verifyDecoy(body.password, now), needsRehash: false };
      return { ...compared, user, password, factors, earlier };
    });
    const { isMatch, needsRehash, lockedUntil, user, password, factors, earlier } = tried;
    if (!isMatch || !user || !password)
      return refuse("sign-in-failed", ...(await failed(context, body.email, user?.id ?? null, lockedUntil)));
    // When it was chosen the service that knows of breaches was away; until it answers, each sign-in asks.
    const recheck = password.mustRecheck === 1 ? await accounts.breachAnswer(body.password) : "unavailable";
    if (recheck === "breached")
      return refuse("password-change-required", ...tell("user.password_breached", user.id));
    const patch = {
      ...(recheck === "clear" ? { mustRecheck: 0 } : {}),
      ...(needsRehash ? { hash: await hashPassword(body.password, now) } : {}),
    };
    const stored = Object.keys(patch).length > 0 ? [update(passwords, password, patch, now)] : [];
    const theirFactors = factorsOf(factors);
    const choices = choicesOf(theirFactors);
    const proved = ["pwd"];
    if (choices.length > 0) return await challengeFor(context, user, { proved, choices, sso: null }, stored);
    const { tokens, changes } = await letIn(context, {
      user,
      methods: proved,
      isStrong: false,
      factors: theirFactors,
      earlier,
    });
    return commitAs(user.id, tokens, ...changes, ...stored);
  },
});

/** The same statements for whoever exists and for who does not. */
export async function failed(
  { accounts, newId, now }: DirectoryContext,
  email: string,
  userId: string | null,
  lockedUntil: number | null,
): Promise<Change[]> {
  const told = tell("user.sign_in_failed", userId);
  if (lockedUntil === null) return told;
  const id = newId("otl");
  const token = await accounts.makeToken("link", { id, turn: 0 });
  const data = { link: `${accounts.issuer}/unlock?token=${token}`, validMinutes: unlockLivesMs / minuteMs };
  return [
    ...told,
    ...tell("user.locked_out", userId),
    insert(
      oneTimeLinks,
      { id, userId, purpose: "clear-lock", state: "unused", expiresAt: timestamp(now + unlockLivesMs) },
      now,
    ),
    mailTo({ kind: "locked-out", to: email, data, userId }, now),
  ];
}
