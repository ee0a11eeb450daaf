import { z } from "zod";
import { type Change, update } from "#db/changes.ts";
import { sessions, users } from "#db/directory-tables.ts";
import { one } from "#db/queries.ts";
import type { Row } from "#db/tenant-table.ts";
import { type MeContext, meWriteOperation } from "#http/account-operation.ts";
import { Timestamp } from "#http/fields.ts";
import { commit, Refusal, refuse, refuseField } from "#http/outcome.ts";
import { passwordIn, userById } from "#identity/accounts/account-queries.ts";
import { provePassword } from "#identity/accounts/prove-password.ts";
import { GivenPassword } from "#identity/accounts/schema.ts";
import { tell } from "#identity/identity-events.ts";
import { provedBy } from "#identity/passkeys/proved-by.ts";
import { Assertion } from "#identity/passkeys/schema.ts";
import { totpFactors } from "#identity/tables.ts";
import { timestamp } from "#lib/time.ts";
import { factorQueries } from "./factor-queries.ts";
import { choicesOf, factorsOf } from "./factors.ts";
import { withMethods } from "./methods.ts";
import { SixDigits } from "./six-digits.ts";
import { verifyTotp } from "./totp.ts";
import { triedFactor } from "./tried-factor.ts";

const Proof = z
  .strictObject({
    code: SixDigits.optional(),
    // Not by reference: OpenAPI 3.0 cannot say of a reference that it may be left out.
    passkey: z.object(Assertion.shape).optional(),
    password: GivenPassword.optional(),
  })
  .meta({ id: "StepUp", description: "A code or a passkey where you have one, else your password." });

export const SteppedUp = z.object({ provedAt: Timestamp }).meta({ id: "SteppedUp" });

/** RFC 9470: the session's tokens say from now on that their user was asked just now. */
export const prove = meWriteOperation({
  mount: "me",
  method: "post",
  path: "/step-up",
  summary: "Prove once more that it is you, for what asks for a recent proof",
  store: "directory",
  body: Proof,
  returns: SteppedUp,
  problems: ["no-password"],
  async run(context, { body }) {
    const { directory, user, now } = context;
    const mine = userById(user.userId);
    const { me, current, found, ...factors } = await directory.read({
      me: one(users, user.userId),
      current: one(sessions, user.sessionId),
      found: passwordIn(mine),
      ...factorQueries(mine),
    });
    const [password] = found;
    if (!me || !current) return refuse("unauthorized");
    const at = timestamp(now);
    const told = tell("user.stepped_up", me.id, { sessionId: current.id });
    const mineNow = factorsOf(factors);
    const { totp } = mineNow;
    if (body.passkey !== undefined) {
      const proved = await provedBy(context, me.id, mineNow, body.passkey);
      const errors = [{ pointer: "/passkey", detail: "proves nothing here" }];
      if (proved instanceof Refusal) return new Refusal("invalid", { errors }, proved.changes);
      return steppedUp(context, current, proved.change);
    }
    if (choicesOf(mineNow).length === 0) {
      // Then a proof is to sign in anew, or to choose one.
      if (!password) return refuse("no-password");
      if (body.password === undefined) return refuseField("/password", "is asked for");
      const refusal = await provePassword(context, me, password, {
        text: body.password,
        pointer: "/password",
      });
      return refusal ?? commit({ provedAt: at }, update(sessions, current, { provedAt: at }, now), ...told);
    }
    const { code } = body;
    if (code === undefined || !totp)
      return refuseField("/code", "or a passkey is asked for, as you have a second factor; or a code by SMS");
    const detail = "is not the code that the app shows now";
    const verified = await triedInSession(context, current, detail, async () =>
      verifyTotp(totp.secret, code, { now, lastStep: totp.lastStep }),
    );
    if (verified instanceof Refusal) return verified;
    return steppedUp(context, current, update(totpFactors, totp, { lastStep: verified.step }, now));
  },
});

/** By a second factor, of whichever kind; `taken` is what makes its proof good once. */
export function steppedUp(
  { now }: MeContext,
  current: Row<typeof sessions>,
  taken: Change,
  methods: readonly string[] = [],
) {
  const at = timestamp(now);
  const stepped = {
    provedAt: at,
    strongAt: at,
    methods: JSON.stringify(withMethods(current, methods)),
  };
  const told = tell("user.stepped_up", current.userId, { sessionId: current.id });
  return commit({ provedAt: at }, update(sessions, current, stepped, now), taken, ...told);
}

/** The code of a second factor, proved in a session. */
export async function triedInSession<T>(
  context: MeContext,
  current: Row<typeof sessions>,
  detail: string,
  compare: () => Promise<T | null>,
): Promise<T | Refusal> {
  const errors = [{ pointer: "/code", detail }];
  const tried = {
    userId: current.userId,
    // Of the session, not of the user: else whoever stole one could keep its owner from signing in.
    identifier: current.id,
    refusal: (changes: readonly Change[]) => new Refusal("invalid", { errors }, changes),
  };
  return await triedFactor(context, tried, compare);
}
