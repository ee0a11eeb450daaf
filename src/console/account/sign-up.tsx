import type { Told } from "./ask.ts";
import { Field, Form, Notice, Username } from "./parts.tsx";
import { begun } from "./sign-in.tsx";
import { EmailField, NewPasswordField, typed } from "./usual-fields.tsx";
import { type Handler, type Reply, shown, type Visit } from "./visit.ts";

export const showSignUp: Handler = async (visit) => signUpPage(visit);

export const signUp: Handler = async (visit) => {
  const { fields } = visit;
  const [name = "", email = "", password = ""] = ["name", "email", "password"].map(
    (key) => fields.get(key) ?? "",
  );
  const told = await visit.ask("POST", "/v1/sign-ups", { name, email, password });
  if (told.problem) return signUpPage(visit, told);
  const content = (
    <Notice title="Look at your mail">
      <p class="lead">
        We have written to <b>{email}</b>. The link in that mail works for a day, and asks for your password
        once more.
      </p>
      <p class="aside">Nothing there? Look among the junk, or sign up again in a while.</p>
    </Notice>
  );
  return shown("Look at your mail", content);
};

export const showVerify: Handler = async (visit) => verifyPage(visit);

export const verify: Handler = async (visit) => {
  const { fields } = visit;
  const body = { token: fields.get("token") ?? "", password: fields.get("password") ?? "" };
  const told = await visit.ask("POST", "/v1/sign-ups/verify", body);
  return told.problem ? verifyPage(visit, told) : begun(visit, told);
};

function signUpPage(visit: Visit, told: Told | null = null): Reply {
  return shown(
    "Sign up",
    <section class="card">
      <h1>Sign up</h1>
      <p class="lead">{`One account, for every business you work with at ${visit.siteName}.`}</p>
      <Form visit={visit} action="/sign-up" told={told} names={["name", "email", "password"]}>
        <Field name="name" label="Name" autocomplete="name" value={typed(visit, "name")} told={told} />
        <EmailField visit={visit} told={told} />
        <NewPasswordField told={told} label="Password" />
        <button type="submit">Sign up</button>
      </Form>
      <p class="ways">
        <span>
          Have an account? <a href="/sign-in">Sign in</a>
        </span>
      </p>
    </section>,
    told,
  );
}

function verifyPage(visit: Visit, told: Told | null = null): Reply {
  return shown(
    "Confirm your address",
    <section class="card">
      <h1>Confirm your address</h1>
      <p class="lead">
        Type the password that you signed up with: so nobody else can open an account in your name.
      </p>
      <Form
        visit={visit}
        action="/verify"
        keeps={{ token: visit.fields.get("token") ?? "" }}
        told={told}
        names={["password"]}
      >
        <Username />
        <Field name="password" label="Password" type="password" autocomplete="current-password" told={told} />
        <button type="submit">Confirm and sign in</button>
      </Form>
      <p class="ways">
        <a href="/sign-up">Sign up again</a>
        <a href="/sign-in">Sign in</a>
      </p>
    </section>,
    told,
  );
}
