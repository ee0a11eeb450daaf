import { User } from "#identity/accounts/schema.ts";
import type { Told } from "./ask.ts";
import { MailPassword } from "./no-password.tsx";
import { Field, Form, Notice, Username } from "./parts.tsx";
import { EmailField, NewPasswordField } from "./usual-fields.tsx";
import { type Handler, type Reply, shown, type Visit } from "./visit.ts";

export const showForgot: Handler = async (visit) => forgotPage(visit);

export const forgot: Handler = async (visit) => {
  const email = visit.fields.get("email") ?? "";
  const told = await visit.ask("POST", "/v1/password-resets", { email });
  if (told.problem) return forgotPage(visit, told);
  const content = (
    <Notice title="Look at your mail">
      <p class="lead">
        If <b>{email}</b> has an account here, a link to choose a new password is on its way. It works for an
        hour.
      </p>
      <a class="button second" href="/sign-in">
        Back to signing in
      </a>
    </Notice>
  );
  return shown("Look at your mail", content);
};

export const showReset: Handler = async (visit) => resetPage(visit);

export const reset: Handler = async (visit) => {
  const { fields } = visit;
  const body = { token: fields.get("token") ?? "", password: fields.get("password") ?? "" };
  const told = await visit.ask("POST", "/v1/password-resets/complete", body);
  if (told.problem) return resetPage(visit, told);
  const content = (
    <Notice title="Your password is changed">
      <p class="lead">All sessions were ended. Sign in with the new one.</p>
      <a class="button" href="/sign-in">
        Sign in
      </a>
    </Notice>
  );
  return { ...shown("Your password is changed", content), session: null };
};

export const showUnlock: Handler = async (visit) => unlockPage(visit);

export const unlock: Handler = async (visit) => {
  const told = await visit.ask("POST", "/v1/sign-in-locks/clear", { token: visit.fields.get("token") ?? "" });
  if (told.problem) return unlockPage(visit, told);
  const content = (
    <Notice title="You can sign in again">
      <p class="lead">Nothing else has changed: your password is the one you had.</p>
      <a class="button" href="/sign-in">
        Sign in
      </a>
    </Notice>
  );
  return shown("You can sign in again", content);
};

export const showPassword: Handler = async (visit) => await passwordPage(visit);

export const changePassword: Handler = async (visit) => {
  const { fields } = visit;
  const body = {
    currentPassword: fields.get("currentPassword") ?? "",
    password: fields.get("password") ?? "",
  };
  const told = await visit.ask("POST", "/v1/me/password", body);
  if (told.problem) return await passwordPage(visit, told);
  const content = (
    <Notice title="Your password is changed">
      <p class="lead">Your other sessions were ended; this one goes on.</p>
      <a class="button" href="/home">
        Go on
      </a>
    </Notice>
  );
  return shown("Your password is changed", content);
};

function forgotPage(visit: Visit, told: Told | null = null): Reply {
  return shown(
    "Forgot your password?",
    <section class="card">
      <h1>Forgot your password?</h1>
      <p class="lead">We mail you a link to choose a new one.</p>
      <Form visit={visit} action="/forgot" told={told} names={["email"]}>
        <EmailField visit={visit} told={told} />
        <button type="submit">Send the link</button>
      </Form>
      <p class="ways">
        <a href="/sign-in">Back to signing in</a>
      </p>
    </section>,
    told,
  );
}

function resetPage(visit: Visit, told: Told | null = null): Reply {
  return shown(
    "Choose a new password",
    <section class="card">
      <h1>Choose a new password</h1>
      <p class="lead">All of your sessions end with it, wherever they are.</p>
      <Form
        visit={visit}
        action="/reset"
        keeps={{ token: visit.fields.get("token") ?? "" }}
        told={told}
        names={["password"]}
      >
        <Username />
        <NewPasswordField told={told} />
        <button type="submit">Change the password</button>
      </Form>
      <p class="ways">
        <a href="/forgot">Ask for another link</a>
      </p>
    </section>,
    told,
  );
}

function unlockPage(visit: Visit, told: Told | null = null): Reply {
  return shown(
    "Sign in again",
    <section class="card">
      <h1>Sign in again</h1>
      <p class="lead">After many failed attempts we let nobody try for a while. You need not wait.</p>
      <Form visit={visit} action="/unlock" keeps={{ token: visit.fields.get("token") ?? "" }} told={told}>
        <button type="submit">Let me sign in</button>
      </Form>
      <p class="ways">
        <a href="/forgot">Forgot your password?</a>
      </p>
    </section>,
    told,
  );
}

async function passwordPage(visit: Visit, told: Told | null = null): Promise<Reply> {
  const me = await visit.ask("GET", "/v1/me");
  const { email, hasPassword } = User.parse(me.json);
  if (!hasPassword) return chooseFirstPage(visit, email);
  return shown(
    "Change your password",
    <section class="card">
      <h1>Change your password</h1>
      <p class="lead">Your other sessions end with it.</p>
      <Form visit={visit} action="/password" told={told} names={["currentPassword", "password"]}>
        <Username value={email} />
        <Field
          name="currentPassword"
          label="Current password"
          type="password"
          autocomplete="current-password"
          told={told}
        />
        <NewPasswordField told={told} />
        <button type="submit">Change the password</button>
      </Form>
    </section>,
    told,
  );
}

// Nothing but the mailbox says that it is them: there is no password to ask for, and no proof that is as good.
function chooseFirstPage(visit: Visit, email: string): Reply {
  return shown(
    "Choose a password",
    <section class="card">
      <h1>Choose a password</h1>
      <p class="lead">
        You sign in without one so far. A link to choose one goes to <b>{email}</b>; all of your sessions end
        with it.
      </p>
      <MailPassword visit={visit} email={email} />
    </section>,
  );
}
