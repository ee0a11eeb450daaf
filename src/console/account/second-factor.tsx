import { raw } from "hono/html";
import { FactorList, NewTotp, RecoveryCodes } from "#identity/factors/schema.ts";
import { CreationOptions } from "#identity/passkeys/schema.ts";
import { deviceOf } from "#identity/sessions/device.ts";
import { canText } from "#platform/sms/texter.ts";
import type { Told } from "./ask.ts";
import { Do, OnePasskey, TextMessages } from "./factor-rows.tsx";
import { Amiss, At, Field, Form, Notice } from "./parts.tsx";
import { PasskeyForm, sentPasskey } from "./passkey.tsx";
import { addNumberPage, confirmNumberPage, numberPage, sentToBy, sentToIn } from "./sms.tsx";
import { type Handler, type Reply, shown, type Visit } from "./visit.ts";

export const showFactors: Handler = async (visit) => await factorsPage(visit);

/** What the page's buttons say, each an operation of its own. */
export const changeFactors: Handler = async (visit) => {
  const { fields } = visit;
  const path = `/v1/me/factors/totp/${encodeURIComponent(fields.get("totp") ?? "")}`;
  switch (fields.get("do")) {
    case "begin": {
      const told = await visit.ask("POST", "/v1/me/factors/totp");
      return told.problem ? await factorsPage(visit, told) : enrolPage(visit, NewTotp.parse(told.json));
    }
    case "confirm": {
      const told = await visit.ask("POST", `${path}/confirm`, { code: fields.get("code") ?? "" });
      if (told.problem) return await factorsPage(visit, told);
      return shown("Your second factor is on", <Codes told={told} next="/second-factor" />);
    }
    case "renew": {
      const told = await visit.ask("POST", "/v1/me/factors/recovery-codes");
      if (told.problem) return await factorsPage(visit, told);
      return shown("Your new recovery codes", <Codes told={told} next="/second-factor" />);
    }
    case "remove": {
      const told = await visit.ask("DELETE", path);
      return await removed(visit, told);
    }
    case "begin-passkey": {
      const told = await visit.ask("POST", "/v1/me/factors/passkeys/options");
      return told.problem ? await factorsPage(visit, told) : passkeyPage(visit, told.json);
    }
    case "add-passkey": {
      const body = { name: fields.get("name") ?? "", response: sentPasskey(fields) };
      const told = await visit.ask("POST", "/v1/me/factors/passkeys", body);
      if (told.problem) return await factorsPage(visit, told);
      return shown("Your passkey is added", <Codes told={told} next="/second-factor" />);
    }
    case "remove-passkey": {
      const id = encodeURIComponent(fields.get("passkey") ?? "");
      return await removed(visit, await visit.ask("DELETE", `/v1/me/factors/passkeys/${id}`));
    }
    case "add-sms":
      return await addNumberPage(visit);
    case "begin-sms": {
      const told = await visit.ask("POST", "/v1/me/factors/sms", { number: fields.get("number") ?? "" });
      return told.problem ? numberPage(visit, told) : confirmNumberPage(visit, sentToBy(told));
    }
    case "confirm-sms": {
      const told = await visit.ask("POST", "/v1/me/factors/sms/confirm", { code: fields.get("code") ?? "" });
      if (told.problem?.type === "not-found") return numberPage(visit);
      if (told.problem) return confirmNumberPage(visit, sentToIn(fields), told);
      return shown("Your number is added", <Codes told={told} next="/second-factor" />);
    }
    case "remove-sms":
      return await removed(visit, await visit.ask("DELETE", "/v1/me/factors/sms"));
    default:
      return { to: "/second-factor" };
  }
};

// Without the last of them this session is over as well, which the page finds that it goes on to.
async function removed(visit: Visit, told: Told): Promise<Reply> {
  return told.problem ? await factorsPage(visit, told) : { to: "/second-factor" };
}

/** Codes that are shown once; none where those from before go on. */
export function Codes({ told, next }: { told: Told; next: string }) {
  const { recoveryCodes } = RecoveryCodes.parse(told.json);
  return (
    <Notice title={recoveryCodes ? "Keep these codes" : "Your second factor is on"}>
      {recoveryCodes ? (
        <>
          <p class="lead">
            Each lets you in once when you have nothing else at hand. They are shown this once, and those from
            before are dead: print them, or keep them where your passwords are.
          </p>
          <ol class="codes">
            {recoveryCodes.map((code) => (
              <li>
                <code>{code}</code>
              </li>
            ))}
          </ol>
        </>
      ) : (
        <p class="lead">Your recovery codes stay as they are.</p>
      )}
      <a class="button" href={next}>
        Go on
      </a>
    </Notice>
  );
}

async function factorsPage(visit: Visit, told: Told | null = null): Promise<Reply> {
  const listed = await visit.ask("GET", "/v1/me/factors");
  const { totp, passkeys, sms, recoveryCodes } = listed.problem
    ? { totp: null, passkeys: [], sms: null, recoveryCodes: null }
    : FactorList.parse(listed.json);
  const reply = shown(
    "Second factor",
    <section class="wide">
      <h1>Second factor</h1>
      <p class="lead">A passkey or a code from an app of yours, so that your password alone opens nothing.</p>
      <Amiss told={told ?? listed} />
      <ul class="rows">
        <li>
          <div>
            <h2>Authenticator app</h2>
            <p class="aside">
              {totp ? (
                <>
                  Since <At at={totp.createdAt} />
                </>
              ) : (
                "None yet"
              )}
            </p>
          </div>
          <Do
            visit={visit}
            keeps={{ do: "begin" }}
            label={totp ? "Replace" : "Add"}
            what="authenticator app"
          />
          {totp ? (
            <Do
              visit={visit}
              keeps={{ do: "remove", totp: totp.id }}
              label="Remove"
              what="authenticator app"
            />
          ) : null}
        </li>
        <li>
          <div>
            <h2>Passkeys</h2>
            <p class="aside">Your finger, face or PIN, or a security key. No password is needed then.</p>
          </div>
          <div class="passkey" hidden>
            <Do visit={visit} keeps={{ do: "begin-passkey" }} label="Add" what="passkey" />
          </div>
        </li>
        {passkeys.map((passkey) => (
          <OnePasskey visit={visit} passkey={passkey} />
        ))}
        {sms || canText(visit.c.env) ? <TextMessages visit={visit} sms={sms} /> : null}
        {totp || passkeys.length > 0 || sms ? (
          <li>
            <div>
              <h2>Recovery codes</h2>
              <p class="aside">
                {recoveryCodes ? (
                  <>
                    Since <At at={recoveryCodes.createdAt} />
                  </>
                ) : (
                  "None yet"
                )}
              </p>
            </div>
            <Do visit={visit} keeps={{ do: "renew" }} label="Get new ones" what="recovery codes" />
          </li>
        ) : null}
      </ul>
    </section>,
    told ?? listed,
  );
  return { ...reply, hasScript: true };
}

function enrolPage(
  visit: Visit,
  { id, secret, qrSvg }: { id: string; secret: string | null; qrSvg: string | null },
): Reply {
  return shown(
    "Add your app",
    <section class="card">
      <h1>Add your app</h1>
      <p class="lead">Scan this with an authenticator app, then type the six digits it shows.</p>
      <figure class="qr" role="img" aria-label="The key below, for an app to scan">
        {raw(qrSvg ?? "")}
      </figure>
      <p class="aside">
        Or type this key in: <code class="secret">{secret?.replaceAll(/(.{4})/g, "$1 ").trim()}</code>
      </p>
      <Form visit={visit} action="/second-factor" keeps={{ do: "confirm", totp: id }}>
        <Field name="code" label="Code" autocomplete="one-time-code" inputmode="numeric" />
        <button type="submit">Turn it on</button>
      </Form>
    </section>,
  );
}

function passkeyPage(visit: Visit, options: unknown): Reply {
  const reply = shown(
    "Add a passkey",
    <section class="card">
      <h1>Add a passkey</h1>
      <p class="lead">
        Give it a name by which you will know it again. Your browser then asks where to keep it, and your
        other sessions end.
      </p>
      <PasskeyForm
        visit={visit}
        action="/second-factor"
        keeps={{ do: "add-passkey" }}
        label="Make the passkey"
        options={CreationOptions.parse(options)}
      >
        <Field
          name="name"
          label="Name"
          autocomplete="off"
          value={deviceOf(visit.c.req.header("user-agent") ?? null)}
        />
      </PasskeyForm>
    </section>,
  );
  return { ...reply, hasScript: true };
}
