import { User } from "#identity/accounts/schema.ts";
import { FactorList } from "#identity/factors/schema.ts";
import type { Told } from "./ask.ts";
import { ProofWithoutPassword } from "./no-password.tsx";
import { Amiss, Field, Form, Username } from "./parts.tsx";
import { PasskeyForm, sentPasskey, WithoutPasskey } from "./passkey.tsx";
import { sentToBy, sentToIn, TextedCode } from "./sms.tsx";
import { destinationOf, type Handler, type Reply, shown, type Visit } from "./visit.ts";

export const showProof: Handler = async (visit) => await proofPage(visit);

/** A proof that it is them still, for what asks for a recent one. */
export const prove: Handler = async (visit) => {
  const { fields } = visit;
  if (fields.get("do") === "text") {
    const told = await visit.ask("POST", "/v1/me/step-up/sms");
    return await proofPage(visit, told, sentToBy(told));
  }
  const told =
    sentToIn(fields) === null
      ? await visit.ask("POST", "/v1/me/step-up", proofIn(fields))
      : await visit.ask("POST", "/v1/me/step-up/sms/verify", { code: fields.get("code") ?? "" });
  return told.problem ? await proofPage(visit, told) : { to: destinationOf(visit.fields) };
};

function proofIn(fields: URLSearchParams): object {
  if (fields.has("response")) return { passkey: sentPasskey(fields) };
  const name = fields.has("code") ? "code" : "password";
  return { [name]: fields.get(name) ?? "" };
}

async function proofPage(
  visit: Visit,
  told: Told | null = null,
  sentTo = sentToIn(visit.fields),
): Promise<Reply> {
  const listed = await visit.ask("GET", "/v1/me/factors");
  const { totp, passkeys, sms } = listed.problem
    ? { totp: null, passkeys: [], sms: null }
    : FactorList.parse(listed.json);
  const [hasApp, hasPasskey] = [totp !== null, passkeys.length > 0];
  const keeps = { continue: destinationOf(visit.fields) };
  const me =
    hasApp || hasPasskey || sms !== null ? null : User.parse((await visit.ask("GET", "/v1/me")).json);
  const reply = shown(
    "Is it you?",
    <section class="card">
      <h1>Is it you?</h1>
      <p class="lead">
        What you are about to change opens your account. Please prove once more that it is you.
      </p>
      {hasPasskey && !hasApp ? (
        <Amiss told={told} />
      ) : sms !== null && !hasApp ? (
        <TextedCode visit={visit} action="/prove" keeps={keeps} sentTo={sentTo} told={told} label="Go on" />
      ) : me?.hasPassword === false ? (
        <>
          <Amiss told={told ?? listed} />
          {await ProofWithoutPassword({ visit, email: me.email })}
        </>
      ) : (
        <Form visit={visit} action="/prove" keeps={keeps} told={told} names={["code", "password"]}>
          {hasApp ? (
            <Field
              name="code"
              label="Code"
              hint="The six digits that your authenticator app shows now."
              autocomplete="one-time-code"
              inputmode="numeric"
              told={told}
            />
          ) : (
            <>
              <Username value={me?.email ?? ""} />
              <Field
                name="password"
                label="Password"
                type="password"
                autocomplete="current-password"
                told={told}
              />
            </>
          )}
          <button type="submit">Go on</button>
        </Form>
      )}
      {hasPasskey ? (
        <PasskeyForm
          visit={visit}
          action="/prove"
          keeps={keeps}
          label={hasApp ? "Use a passkey instead" : "Use your passkey"}
          isSecond={hasApp}
        />
      ) : null}
      {hasPasskey && !hasApp ? <WithoutPasskey /> : null}
    </section>,
    told ?? listed,
  );
  return hasPasskey ? { ...reply, hasScript: true } : reply;
}
