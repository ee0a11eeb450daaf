import type { Told } from "./ask.ts";
import { ProviderLinks } from "./issuers.tsx";
import { Amiss, Field, Form, Notice } from "./parts.tsx";
import { PasskeyForm, sentPasskey, WithoutPasskey } from "./passkey.tsx";
import { Codes } from "./second-factor.tsx";
import { sentToBy, sentToIn, TextedCode } from "./sms.tsx";
import { EmailField } from "./usual-fields.tsx";
import { begunBy, destinationOf, type Handler, type Reply, shown, type Visit } from "./visit.ts";

export const showSignIn: Handler = async (visit) =>
  visit.user ? { to: destinationOf(visit.fields) } : await signInPage(visit);

export const signIn: Handler = async (visit) => {
  const { fields } = visit;
  if (fields.has("response")) {
    const told = await visit.ask("POST", "/v1/sign-in/passkey", { response: sentPasskey(fields) });
    return told.problem ? await signInPage(visit, told) : begun(visit, told);
  }
  const body = { email: fields.get("email") ?? "", password: fields.get("password") ?? "" };
  const told = await visit.ask("POST", "/v1/sign-in", body);
  if (told.problem?.type === "second-factor-required") {
    const { challenge = "", methods = [] } = told.problem;
    return { ...challengePage(visit, { challenge, methods: methods.join(" ") }), status: 200 };
  }
  return told.problem ? await signInPage(visit, told) : begun(visit, told);
};

/** The second step, by the app's code, a passkey or a recovery code. */
export const secondStep: Handler = async (visit) => {
  const { fields } = visit;
  const challenge = fields.get("challenge") ?? "";
  const methods = fields.get("methods") ?? "";
  const recoveryCode = fields.get("recoveryCode");
  if (fields.get("do") === "text") return await texted(visit, { challenge, methods });
  const told = await visit.ask("POST", ...second(fields, challenge));
  if (told.problem?.type === "challenge-not-valid") return await signInPage(visit, told);
  if (told.problem) return challengePage(visit, { challenge, methods }, told);
  if (recoveryCode === null) return begun(visit, told);
  const content = <Codes told={told} next={destinationOf(fields)} />;
  return { ...shown("Your new recovery codes", content), session: begunBy(told) };
};

async function texted(visit: Visit, keeps: Kept): Promise<Reply> {
  const told = await visit.ask("POST", "/v1/sign-in/second-factor/sms", { challenge: keeps.challenge });
  if (told.problem?.type === "challenge-not-valid") return signInPage(visit, told);
  return challengePage(visit, keeps, told, sentToBy(told));
}

function second(fields: URLSearchParams, challenge: string): [path: string, body: object] {
  const recoveryCode = fields.get("recoveryCode");
  if (recoveryCode !== null) return ["/v1/sign-in/recovery", { challenge, recoveryCode }];
  const path = "/v1/sign-in/second-factor";
  if (fields.has("response")) return [`${path}/passkey`, { challenge, response: sentPasskey(fields) }];
  const code = fields.get("code") ?? "";
  return sentToIn(fields) === null
    ? [path, { challenge, code }]
    : [`${path}/sms/verify`, { challenge, code }];
}

export const signOut: Handler = async (visit) => {
  await visit.ask("POST", "/v1/me/sign-out");
  const content = (
    <Notice title="You are signed out">
      <p>This session is over, here and everywhere.</p>
      <a class="button" href="/sign-in">
        Sign in again
      </a>
    </Notice>
  );
  return { ...shown("Signed out", content), session: null };
};

/** Goes on as whoever has just signed in. */
export function begun(visit: Visit, told: Told): Reply {
  return { to: destinationOf(visit.fields), session: begunBy(told) };
}

export async function signInPage(visit: Visit, told: Told | null = null): Promise<Reply> {
  const { fields, siteName } = visit;
  const destination = destinationOf(fields);
  const reply = shown(
    "Sign in",
    <section class="card">
      <h1>Sign in</h1>
      <p class="lead">{`Welcome back to ${siteName}.`}</p>
      <Form
        visit={visit}
        action="/sign-in"
        keeps={{ continue: destination }}
        told={told}
        names={["email", "password"]}
      >
        <EmailField visit={visit} told={told} autocomplete="username webauthn" />
        <Field name="password" label="Password" type="password" autocomplete="current-password" told={told} />
        <button type="submit">Sign in</button>
      </Form>
      <PasskeyForm
        visit={visit}
        action="/sign-in"
        keeps={{ continue: destination }}
        label="Sign in with a passkey"
        isSecond
      />
      {await ProviderLinks({ visit })}
      <p class="ways">
        <a href="/forgot">Forgot your password?</a>
        <span>
          New here? <a href="/sign-up">Sign up</a>
        </span>
      </p>
    </section>,
    told,
  );
  return { ...reply, hasScript: true };
}

interface Kept {
  readonly challenge: string;
  readonly methods: string;
}

export function challengePage(
  visit: Visit,
  keeps: Kept,
  told: Told | null = null,
  sentTo = sentToIn(visit.fields),
): Reply {
  const kept = { ...keeps, continue: destinationOf(visit.fields) };
  const methods = keeps.methods.split(" ");
  const [hasApp, hasPasskey] = [methods.includes("totp"), methods.includes("passkey")];
  const hasBoth = hasApp && hasPasskey;
  const hasSms = methods.includes("sms");
  const reply = shown(
    "One more step",
    <section class="card">
      <h1>One more step</h1>
      <p class="lead">
        {hasApp
          ? "Open your authenticator app and type the six digits it shows for this account."
          : hasSms
            ? "You are nearly in. Type the code that we text to your number."
            : "You are nearly in. Prove with your passkey that it is you."}
      </p>
      {hasApp ? (
        <Form
          visit={visit}
          action="/sign-in/challenge"
          keeps={kept}
          told={told}
          names={["code", "recoveryCode"]}
        >
          <Field name="code" label="Code" autocomplete="one-time-code" inputmode="numeric" told={told} />
          <button type="submit">Sign in</button>
        </Form>
      ) : hasSms ? (
        <TextedCode
          visit={visit}
          action="/sign-in/challenge"
          keeps={kept}
          sentTo={sentTo}
          told={told}
          label="Sign in"
        />
      ) : (
        <Amiss told={told} names={["recoveryCode"]} />
      )}
      {hasPasskey ? (
        <PasskeyForm
          visit={visit}
          action="/sign-in/challenge"
          keeps={kept}
          label={hasBoth ? "Use a passkey instead" : "Use your passkey"}
          isSecond={hasBoth}
        />
      ) : null}
      {hasPasskey && !hasApp ? <WithoutPasskey /> : null}
      {methods.includes("recovery-code") ? (
        <details open={visit.fields.has("recoveryCode")}>
          <summary>
            {hasApp ? "I cannot use the app" : hasSms ? "I get no text" : "I cannot use my passkey"}
          </summary>
          <Form visit={visit} action="/sign-in/challenge" keeps={kept}>
            <Field
              name="recoveryCode"
              label="Recovery code"
              hint="One of the ten that you have kept. You get a fresh set in return."
              autocomplete="off"
              told={told}
            />
            <button type="submit" class="second">
              Use the recovery code
            </button>
          </Form>
        </details>
      ) : null}
    </section>,
    told,
  );
  return hasPasskey ? { ...reply, hasScript: true } : reply;
}
