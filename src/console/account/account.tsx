import { User } from "#identity/accounts/schema.ts";
import type { Told } from "./ask.ts";
import { ConnectedAccounts } from "./issuers.tsx";
import { MailPassword } from "./no-password.tsx";
import { Amiss, Field, Form, Notice, Username } from "./parts.tsx";
import { type Handler, type Reply, shown, type Visit } from "./visit.ts";

export const showAccount: Handler = async (visit) => await accountPage(visit);

/** Another address, or the end of the account. */
export const changeAccount: Handler = async (visit) => {
  const { fields } = visit;
  switch (fields.get("do")) {
    case "email": {
      const email = fields.get("email") ?? "";
      const told = await visit.ask("POST", "/v1/me/email", { email });
      return told.problem ? await accountPage(visit, { told }) : mailed(email);
    }
    case "disconnect": {
      const id = encodeURIComponent(fields.get("identity") ?? "");
      const told = await visit.ask("DELETE", `/v1/me/identities/${id}`);
      return await accountPage(visit, { told });
    }
    case "close": {
      const { email } = User.parse((await visit.ask("GET", "/v1/me")).json);
      const typed = (fields.get("typed") ?? "").trim().toLowerCase();
      if (typed !== email.toLowerCase()) return await accountPage(visit, { isMistyped: true });
      const told = await visit.ask("POST", "/v1/me/close");
      return told.problem ? await accountPage(visit, { told }) : closed();
    }
    default:
      return { to: "/account" };
  }
};

export const showConfirmEmail: Handler = async (visit) => confirmPage(visit);

export const confirmEmail: Handler = async (visit) => {
  const { fields } = visit;
  const body = {
    token: fields.get("token") ?? "",
    password: fields.get("password") ?? "",
  };
  const told = await visit.ask("POST", "/v1/email-changes/complete", body);
  if (told.problem) return confirmPage(visit, told);
  const content = (
    <Notice title="Your address is changed">
      <p class="lead">
        From now on you sign in with <b>{User.parse(told.json).email}</b>, and we write to you there.
      </p>
      <a class="button" href="/home">
        Go on
      </a>
    </Notice>
  );
  return shown("Your address is changed", content);
};

function mailed(email: string): Reply {
  const content = (
    <Notice title="Look at your mail">
      <p class="lead">
        We have written to <b>{email}</b>. The link in that mail works for an hour, and asks for your
        password. Until then your address stays as it is.
      </p>
      <a class="button second" href="/account">
        Back to your account
      </a>
    </Notice>
  );
  return shown("Look at your mail", content);
}

function closed(): Reply {
  const content = (
    <Notice title="Your account is deleted">
      <p class="lead">
        Nobody can sign in with it any more, and what we keep of you is being erased. Thank you for having
        been here.
      </p>
    </Notice>
  );
  return { ...shown("Your account is deleted", content), session: null };
}

interface Outcome {
  readonly told?: Told;
  /** The address that was to be typed is another one. */
  readonly isMistyped?: true;
}

async function accountPage(visit: Visit, { told, isMistyped }: Outcome = {}): Promise<Reply> {
  const { name, email, hasPassword } = User.parse((await visit.ask("GET", "/v1/me")).json);
  const deed = visit.fields.get("do");
  const [ofEmail, ofClosing] = [deed === "email" ? told : null, deed === "close" ? told : null];
  const reply = shown(
    "Your account",
    <section class="wide">
      <h1>Your account</h1>
      <p class="lead">
        {name}, <b>{email}</b>
      </p>
      {await ConnectedAccounts({ visit, told: (deed === "disconnect" ? told : null) ?? null })}
      <section class="part">
        <h2>E-mail address</h2>
        <p class="aside">
          A link goes to the new address. Yours stays as it is until you have followed it.
          {hasPassword ? null : " It asks for a password: choose one first."}
        </p>
        <Form
          visit={visit}
          action="/account"
          keeps={{ do: "email" }}
          told={ofEmail ?? null}
          names={["email"]}
        >
          <Field
            name="email"
            label="New e-mail address"
            type="email"
            autocomplete="email"
            inputmode="email"
            value={deed === "email" ? (visit.fields.get("email") ?? "") : ""}
            told={ofEmail ?? null}
          />
          <button type="submit" class="second">
            Change the address
          </button>
        </Form>
      </section>
      <section class="part">
        <h2>Password</h2>
        {hasPassword ? (
          <>
            <p class="aside">Your other sessions end with the one of before.</p>
            <a class="button second" href="/password">
              Change the password
            </a>
          </>
        ) : (
          <>
            <p class="aside">You have none yet. All of your sessions end when you choose one.</p>
            <MailPassword visit={visit} email={email} isSecond />
          </>
        )}
      </section>
      <section class="part">
        <h2>Programs</h2>
        <p class="aside">Those that you let act for you at your businesses.</p>
        <a class="button second" href="/programs">
          See programs you let in
        </a>
      </section>
      <section class="part">
        <h2>Delete your account</h2>
        <p class="aside">
          At once and for good: your sessions end, you leave every business, and what is personal of you here
          is erased.
        </p>
        <Amiss told={ofClosing ?? null} />
        {isMistyped ? (
          <div class="amiss" role="alert">
            <strong>Nothing was deleted.</strong> What you typed is not the address of this account.
          </div>
        ) : null}
        <details open={deed === "close"}>
          <summary>I want to delete my account</summary>
          <Form visit={visit} action="/account" keeps={{ do: "close" }}>
            <Field
              name="typed"
              label="Your e-mail address"
              hint={`Type ${email} to show that you mean it.`}
              autocomplete="off"
            />
            <button type="submit" class="second">
              Delete my account
            </button>
          </Form>
        </details>
      </section>
    </section>,
    told ?? null,
  );
  return isMistyped ? { ...reply, status: 422 } : reply;
}

function confirmPage(visit: Visit, told: Told | null = null): Reply {
  return shown(
    "Confirm your new address",
    <section class="card">
      <h1>Confirm your new address</h1>
      <p class="lead">Type the password of your account: so nobody takes this address but you.</p>
      <Form
        visit={visit}
        action="/confirm-email"
        keeps={{ token: visit.fields.get("token") ?? "" }}
        told={told}
        names={["password"]}
      >
        <Username />
        <Field name="password" label="Password" type="password" autocomplete="current-password" told={told} />
        <button type="submit">Take this address</button>
      </Form>
      <p class="ways">
        <a href="/account">Ask for another link</a>
        <a href="/forgot">No password, or forgotten?</a>
      </p>
    </section>,
    told,
  );
}
