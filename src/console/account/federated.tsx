import { FlowBegun, SsoFound } from "#identity/federation/schema.ts";
import { Needed, type Told } from "./ask.ts";
import type { KeptFlow } from "./flow-cookie.ts";
import { Amiss, Field, Form } from "./parts.tsx";
import { begun, challengePage, signInPage } from "./sign-in.tsx";
import { EmailField } from "./usual-fields.tsx";
import { destinationOf, type Handler, type Reply, shown, type Visit } from "./visit.ts";

/** Where one goes from a page's link: a form's redirect elsewhere would have to be in the page's policy. */
export const goAway: Handler = async (visit) => {
  const { fields } = visit;
  if (!isFromHere(visit)) return { to: "/sign-in" };
  const body = { source: fields.get("source") ?? "", isFresh: fields.has("fresh") };
  const told = await visit.ask("POST", "/v1/sign-in/federated", body);
  return told.problem ? await signInPage(visit, told) : away(told, "sign-in", destinationOf(fields));
};

/** The same for whoever is signed in, to connect it to their account. */
export const goConnect: Handler = async (visit) => {
  if (!isFromHere(visit)) return { to: "/account" };
  const source = visit.fields.get("source") ?? "";
  const told = await visit.ask("POST", "/v1/me/identity-connections", { source });
  return told.problem ? amissPage(told) : away(told, "connect", "/account");
};

// By a link of ours, or typed: else any page could lead a browser to an issuer that lets it in as somebody else, or have
// that somebody connected. Browsers that do not say go by the other ways in.
function isFromHere({ c }: Visit): boolean {
  return ["same-origin", "none"].includes(c.req.header("sec-fetch-site") ?? "");
}

function away(told: Told, purpose: KeptFlow["purpose"], destination: string): Reply {
  const { authorizationUrl, flow, source, isFormPost } = FlowBegun.parse(told.json);
  return { away: authorizationUrl, flow: { purpose, flow, source, destination }, isFormPost };
}

/** Back from the issuer, by a query or, from Apple, by a form. */
export const comeBack: Handler = async (visit) => {
  const { c, fields, kept } = visit;
  const source = c.req.param("source") ?? "";
  // Whoever comes back without having gone was sent by somebody else, or took too long.
  if (kept?.source !== source) return { to: "/sign-in", flow: null };
  const { flow, purpose, destination } = kept;
  if (purpose === "connect" && c.req.method === "POST") return { to: `${c.req.path}?${withoutName(fields)}` };
  const body = { flow, source, parameters: fields.toString() };
  if (purpose === "connect") {
    const told = await visit.ask("POST", "/v1/me/identities", body);
    return { ...(told.problem ? amissPage(told) : { to: "/account" }), flow: null };
  }
  const told = await visit.ask("POST", "/v1/sign-in/federated/complete", body);
  const there = new URLSearchParams({ continue: destination });
  const reply = await arrived({ ...visit, fields: there }, told);
  if (reply.session) await endBefore(visit);
  return { ...reply, flow: null };
};

// Whoever came to prove who they are has a session already, which no browser keeps any more.
async function endBefore({ user, ask }: Visit): Promise<void> {
  if (!user) return;
  try {
    await ask("POST", "/v1/me/sign-out");
  } catch (error) {
    // It was over anyway.
    if (!(error instanceof Needed)) throw error;
  }
}

// Such a form brings no cookie of who is signed in along, a visit to its own address does; and no name stands in an address.
function withoutName(fields: URLSearchParams): URLSearchParams {
  const rest = new URLSearchParams(fields);
  rest.delete("user");
  return rest;
}

async function arrived(visit: Visit, told: Told): Promise<Reply> {
  const { type, challenge = "", methods = [] } = told.problem ?? {};
  if (type === "second-factor-required")
    return { ...challengePage(visit, { challenge, methods: methods.join(" ") }), status: 200 };
  if (type === "email-code-required") return { ...codePage(visit, challenge), status: 200 };
  return told.problem ? await signInPage(visit, told) : begun(visit, told);
}

/** The code that was mailed, for an address that the issuer does not speak for. */
export const proveEmail: Handler = async (visit) => {
  const challenge = visit.fields.get("challenge") ?? "";
  const body = { challenge, code: visit.fields.get("code") ?? "" };
  const told = await visit.ask("POST", "/v1/sign-in/federated/email", body);
  const isAgain = told.problem?.type === "sign-in-failed" || told.problem?.type === "invalid";
  return isAgain ? codePage(visit, challenge, told) : await arrived(visit, told);
};

function codePage(visit: Visit, challenge: string, told: Told | null = null): Reply {
  const keeps = { challenge, continue: destinationOf(visit.fields) };
  return shown(
    "Look at your mail",
    <section class="card">
      <h1>Look at your mail</h1>
      <p class="lead">
        We have mailed a code to the address that you have there, to be sure that it is yours. It works for
        ten minutes.
      </p>
      <Form visit={visit} action="/sign-in/email" keeps={keeps} told={told} names={["code"]}>
        <Field
          name="code"
          label="Code"
          hint="Ten letters and digits, such as k7mpq-x2vwz."
          autocomplete="one-time-code"
          told={told}
        />
        <button type="submit">Go on</button>
      </Form>
      <p class="ways">
        <a href="/sign-in">Sign in otherwise</a>
      </p>
    </section>,
    told,
  );
}

export const showSso: Handler = async (visit) => ssoPage(visit);

/** The sign-in of a business, by the domain of somebody's address. */
export const findSso: Handler = async (visit) => {
  const told = await visit.ask("POST", "/v1/sign-in/sso", { email: visit.fields.get("email") ?? "" });
  if (told.problem) return ssoPage(visit, told);
  const { source } = SsoFound.parse(told.json);
  const onwards = new URLSearchParams({ source, continue: destinationOf(visit.fields) });
  return shown(
    "Your business's own sign-in",
    <section class="card">
      <h1>Your business's own sign-in</h1>
      <p class="lead">
        People of your domain sign in at their business, and come back here when they have. What you do then
        is for that business alone.
      </p>
      <a class="button" href={`/sign-in/with?${onwards}`}>
        Go there
      </a>
    </section>,
  );
};

function ssoPage(visit: Visit, told: Told | null = null): Reply {
  return shown(
    "Single sign-on",
    <section class="card">
      <h1>Single sign-on</h1>
      <p class="lead">If your business has a sign-in of its own, we find it by your address.</p>
      <Form
        visit={visit}
        action="/sign-in/sso"
        keeps={{ continue: destinationOf(visit.fields) }}
        told={told}
        names={["email"]}
      >
        <EmailField visit={visit} told={told} label="E-mail address at work" autocomplete="email" />
        <button type="submit">Find it</button>
      </Form>
      <p class="ways">
        <a href="/sign-in">Sign in otherwise</a>
      </p>
    </section>,
    told,
  );
}

function amissPage(told: Told): Reply {
  return shown(
    "That did not work",
    <section class="card">
      <h1>That did not work</h1>
      <Amiss told={told} />
      <a class="button second" href="/account">
        Back to your account
      </a>
    </section>,
    told,
  );
}
