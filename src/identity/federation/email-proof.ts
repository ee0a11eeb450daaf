import { z } from "zod";
import { timingSafeEqual } from "#crypto/constant-time.ts";
import { insert, remove } from "#db/changes.ts";
import { type VisitorContext, visitorOperation } from "#http/account-operation.ts";
import type { Vouched } from "#http/federation.ts";
import { publicOperation } from "#http/operation.ts";
import { Refusal, refuse } from "#http/outcome.ts";
import { attempt, uncounted } from "#identity/accounts/attempt.ts";
import { normaliseRecoveryCode } from "#identity/factors/recovery-codes.ts";
import { RecoveryCode } from "#identity/factors/schema.ts";
import { tell } from "#identity/identity-events.ts";
import { Tokens, TokenText } from "#identity/sessions/schema.ts";
import { federatedArrivals } from "#identity/tables.ts";
import { localPartOf } from "#lib/email-address.ts";
import { minuteMs, timestamp } from "#lib/time.ts";
import { mailTo } from "#mail/outgoing.ts";
import { arrive } from "./arrive.ts";

const codeLivesMs = 10 * minuteMs;

/**
 * Nobody is known by the subject, and the issuer does not speak for the address: whoever has the mailbox says so. The work
 * is the same whether or not there is an account of the address: nobody looks before the code is right.
 */
export async function askForCode(
  { accounts, newId, now, strangerId, visitor }: VisitorContext,
  { source, issuer, subject, name, email }: Vouched,
): Promise<Refusal> {
  if (email === null) return refuse("email-missing");
  const identifier = (await accounts.emailToken(email)) ?? "";
  const reservation = await accounts.reserveTry({ purpose: "sign-up", identifier, address: visitor.address });
  if (reservation.outcome === "unavailable") return uncounted;
  const id = newId("far");
  const challenge = await accounts.makeToken("arrival", { id, turn: 0 });
  const details = { challenge, methods: ["email-code"] };
  // As silent as if it had been mailed.
  if (reservation.outcome === "refused") return new Refusal("email-code-required", details, []);
  const arrival = {
    id,
    strangerId,
    source,
    issuer,
    subject,
    name: name ?? localPartOf(email),
    email,
    expiresAt: timestamp(now + codeLivesMs),
  };
  const code = await accounts.federation.mailedCode(id);
  const data = { code: `${code.slice(0, 5)}-${code.slice(5)}`, validMinutes: codeLivesMs / minuteMs };
  return new Refusal("email-code-required", details, [
    insert(federatedArrivals, arrival, now),
    mailTo({ kind: "arrival-code", to: email, data, userId: null }, now),
  ]);
}

export const proveEmail = visitorOperation({
  mount: "public",
  method: "post",
  path: "/v1/sign-in/federated/email",
  summary: "Go on with a sign-in at another issuer by the code that was mailed",
  can: publicOperation({ because: "the challenge is the credential, together with the mailed code" }),
  store: "directory",
  body: z.strictObject({ challenge: TokenText, code: RecoveryCode }).meta({ id: "EmailProof" }),
  returns: Tokens,
  status: 201,
  problems: ["sign-in-failed", "challenge-not-valid", "second-factor-required"],
  async run(context, { body }) {
    const { directory, accounts, now, visitor } = context;
    const named = await accounts.readToken("arrival", body.challenge);
    if (!named) return refuse("challenge-not-valid");
    const reservation = await accounts.reserveTry({
      purpose: "second-factor",
      identifier: named.id,
      address: visitor.address,
    });
    if (reservation.outcome === "unavailable") return uncounted;
    if (reservation.outcome === "refused") return refuse("sign-in-failed");
    const { isMatch, arrival } = await attempt(reservation, async () => {
      const typed = normaliseRecoveryCode(body.code) ?? "";
      const isMatch = timingSafeEqual(typed, await accounts.federation.mailedCode(named.id));
      return { isMatch, arrival: isMatch ? await directory.get(federatedArrivals, named.id) : null };
    });
    if (!isMatch) return refuse("sign-in-failed", ...tell("user.sign_in_failed", null, { by: "email-code" }));
    if (!arrival || arrival.expiresAt <= timestamp(now)) return refuse("challenge-not-valid");
    const { source, issuer, subject, name, email } = arrival;
    const arrived = await arrive(
      context,
      {
        source,
        issuer,
        subject,
        name,
        provedEmail: email,
        methods: ["fed"],
        // Whoever has the mailbox has proved no second factor to us.
        isStrong: false,
        provedAt: now,
        sso: null,
      },
      // Of many that send the same code at once one finds the row as it was read.
      [remove(federatedArrivals, arrival)],
    );
    return arrived ?? refuse("sign-in-failed");
  },
});
