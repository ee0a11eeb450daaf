import { z } from "zod";
import { commitAs, visitorOperation } from "#http/account-operation.ts";
import { publicOperation } from "#http/operation.ts";
import { commit, Refusal, refuse } from "#http/outcome.ts";
import { sessionsIn, userById, userIn } from "#identity/accounts/account-queries.ts";
import { letIn } from "#identity/accounts/let-in.ts";
import { factorQueries } from "#identity/factors/factor-queries.ts";
import { factorsOf } from "#identity/factors/factors.ts";
import { challenged, goneOn } from "#identity/factors/second-step.ts";
import { Tokens, TokenText } from "#identity/sessions/schema.ts";
import { decodeBase64Url } from "#lib/base64url.ts";
import { typeId } from "#lib/typeid.ts";
import { proofOptions } from "./ceremony.ts";
import { provedBy } from "./proved-by.ts";
import { Assertion, ProofOptions } from "./schema.ts";

export const create = visitorOperation({
  mount: "public",
  method: "post",
  path: "/v1/passkey-challenges",
  summary: "Begin to prove yourself by a passkey",
  can: publicOperation({ because: "a challenge says nothing and is written nowhere" }),
  store: "directory",
  returns: ProofOptions,
  problems: [],
  async run(context) {
    return commit(await proofOptions(context));
  },
});

/** A passkey alone: it is a thing that its user has, and was unlocked by them. */
export const signInByPasskey = visitorOperation({
  mount: "public",
  method: "post",
  path: "/v1/sign-in/passkey",
  summary: "Sign in with a passkey",
  can: publicOperation({ because: "the passkey is the credential" }),
  store: "directory",
  body: z.strictObject({ response: Assertion }).meta({ id: "PasskeySignIn" }),
  returns: Tokens,
  status: 201,
  problems: ["sign-in-failed"],
  async run(context, { body }) {
    const theirs = userById(userOf(body.response));
    const { users, earlier, ...found } = await context.directory.read({
      users: userIn(theirs),
      earlier: sessionsIn(theirs, 20),
      ...factorQueries(theirs),
    });
    const [user] = users;
    if (user?.state !== "active") return refuse("sign-in-failed");
    const factors = factorsOf(found);
    const proved = await provedBy(context, user.id, factors, body.response);
    if (proved instanceof Refusal) return proved;
    const { tokens, changes } = await letIn(context, {
      user,
      methods: proved.methods,
      isStrong: true,
      factors,
      earlier,
    });
    return commitAs(user.id, tokens, ...changes, proved.change);
  },
});

export const secondFactorByPasskey = visitorOperation({
  mount: "public",
  method: "post",
  path: "/v1/sign-in/second-factor/passkey",
  summary: "Go on with a sign-in by a passkey",
  can: publicOperation({ because: "the challenge is the credential, together with the passkey" }),
  store: "directory",
  body: z.strictObject({ challenge: TokenText, response: Assertion }).meta({ id: "PasskeySecondFactor" }),
  returns: Tokens,
  status: 201,
  problems: ["sign-in-failed", "challenge-not-valid"],
  async run(context, { body }) {
    const found = await challenged(context, body.challenge);
    if (found instanceof Refusal) return found;
    const { user, factors } = found;
    const proved = await provedBy(context, user.id, factors, body.response);
    if (proved instanceof Refusal) return proved;
    const { tokens, changes } = await goneOn(context, found, proved.methods);
    return commitAs(user.id, tokens, ...changes, proved.change);
  },
});

// What was given as the user's id when the passkey was made.
function userOf({ response: { userHandle = "" } }: Assertion): string {
  const id = new TextDecoder().decode(decodeBase64Url(userHandle) ?? new Uint8Array());
  return typeId("usr").safeParse(id).data ?? "";
}
