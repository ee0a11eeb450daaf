import { z } from "zod";
import { Memberships } from "#identity/accounts/schema.ts";
import { CodeSent } from "#identity/sms/schema.ts";
import type { Told } from "./ask.ts";
import { Field, Form, Notice } from "./parts.tsx";
import { type Reply, shown, type Visit } from "./visit.ts";

interface TextedCodeProps {
  readonly visit: Visit;
  readonly action: string;
  readonly keeps: Readonly<Record<string, string>>;
  /** The number that a code is on its way to, as it is shown; null before there is one. */
  readonly sentTo: string | null;
  readonly told: Told | null;
  /** What the code brings about. */
  readonly label: string;
}

/** A button that has a code sent; once it is on its way, the field that it is typed into. */
export function TextedCode({ visit, action, keeps, sentTo, told, label }: TextedCodeProps) {
  if (sentTo === null)
    return (
      <Form visit={visit} action={action} keeps={{ ...keeps, do: "text" }} told={told}>
        <button type="submit">Text me a code</button>
      </Form>
    );
  return (
    <>
      <Form visit={visit} action={action} keeps={{ ...keeps, sentTo }} told={told} names={["code"]}>
        <Field
          name="code"
          label="Code"
          hint={`We sent it to ${sentTo}. It is good for five minutes.`}
          autocomplete="one-time-code"
          inputmode="numeric"
          told={told}
        />
        <button type="submit">{label}</button>
      </Form>
      <Form visit={visit} action={action} keeps={{ ...keeps, do: "text" }}>
        <button type="submit" class="second">
          Send another code
        </button>
      </Form>
    </>
  );
}

const Masked = z.string().regex(/^•••• [0-9]{2}$/);

/** Where the code of this form went, as the page before it said; nothing else that a form could hold is shown. */
export function sentToIn(fields: URLSearchParams): string | null {
  return Masked.safeParse(fields.get("sentTo")).data ?? null;
}

export function sentToBy(told: Told): string | null {
  return told.problem ? null : CodeSent.parse(told.json).sentTo;
}

/** Where one's number is asked for, unless no business of theirs would take a code that goes there. */
export async function addNumberPage(visit: Visit): Promise<Reply> {
  const listed = await visit.ask("GET", "/v1/me/tenants");
  const isAllowed =
    listed.problem !== null || Memberships.parse(listed.json).data.some(({ allowsSms }) => allowsSms);
  if (isAllowed) return numberPage(visit);
  return shown(
    "No text messages",
    <Notice title="No text messages">
      <p class="lead">
        None of your businesses takes codes by text message. An app or a passkey is safer anyway.
      </p>
      <a class="button" href="/second-factor">
        Choose another way
      </a>
    </Notice>,
  );
}

export function numberPage(visit: Visit, told: Told | null = null): Reply {
  return shown(
    "Add your number",
    <section class="card">
      <h1>Add your number</h1>
      <p class="lead">
        We text a code to it whenever you sign in. An app or a passkey is safer: numbers can be taken over.
      </p>
      <Form visit={visit} action="/second-factor" keeps={{ do: "begin-sms" }} told={told} names={["number"]}>
        <Field
          name="number"
          label="Telephone number"
          hint="With its country code, such as +31 6 1234 5678."
          autocomplete="tel"
          inputmode="tel"
          value={visit.fields.get("number") ?? ""}
          told={told}
        />
        <button type="submit">Text me a code</button>
      </Form>
    </section>,
    told,
  );
}

export function confirmNumberPage(visit: Visit, sentTo: string | null, told: Told | null = null): Reply {
  return shown(
    "Confirm your number",
    <section class="card">
      <h1>Confirm your number</h1>
      <p class="lead">Type the six digits of the text that is on its way.</p>
      <Form
        visit={visit}
        action="/second-factor"
        keeps={{ do: "confirm-sms", ...(sentTo === null ? {} : { sentTo }) }}
        told={told}
        names={["code"]}
      >
        <Field
          name="code"
          label="Code"
          hint={`We sent it to ${sentTo ?? "your number"}. It is good for five minutes.`}
          autocomplete="one-time-code"
          inputmode="numeric"
          told={told}
        />
        <button type="submit">Turn it on</button>
      </Form>
      <p class="ways">
        <a href="/second-factor">Begin again</a>
      </p>
    </section>,
    told,
  );
}
