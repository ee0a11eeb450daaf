import type { Child } from "hono/jsx";
import { type ProblemName, problems } from "#http/problem.ts";
import type { Told } from "./ask.ts";
import type { Visit } from "./visit.ts";

// What a problem means to somebody who fills in a form, where the API's own words are for those who call it.
const forPeople: Partial<Record<ProblemName, readonly [title: string, meaning: string]>> = {
  invalid: ["Please look at this again.", "Something is missing, or not of the form that is asked for."],
  "rate-limited": ["That was too often.", "Please wait for a minute, then try again."],
  unavailable: ["We are busy just now.", "Nothing was done. Please try again in a few seconds."],
  internal: ["Something went wrong.", "It is our fault. Please try again in a moment."],
  "too-many-texts": [
    "Those were enough texts for now.",
    "Nothing was sent. Please wait for a quarter of an hour, or until tomorrow.",
  ],
  "sms-not-available": ["We cannot text you a code for this.", "Please use another way."],
  "sms-not-enough": [
    "A text is not enough for an owner or admin.",
    "Add an authenticator app or a passkey first. If you have neither, sign out and in again to do so.",
  ],
  "sign-in-failed": [
    "That did not match.",
    "Please check it and try again. Should it be right, there were too many tries: wait for a while.",
  ],
  "no-password": ["You have no password yet.", "Have a link mailed to choose one, then come back to this."],
  conflict: ["This changed meanwhile.", "Please try again."],
};

interface FormProps {
  readonly visit: Visit;
  readonly action: string;
  /** Hidden, and sent on. */
  readonly keeps?: Readonly<Record<string, string>>;
  /** What came of the last try. */
  readonly told?: Told | null;
  readonly names?: readonly string[];
  /** For the script that asks for a passkey. */
  readonly passkey?: { readonly options: unknown };
  readonly children: Child;
}

/** A form that proves which page sent it, with what was amiss at its head. */
export function Form({ visit, action, keeps = {}, told = null, names = [], passkey, children }: FormProps) {
  const asking = passkey && {
    "data-passkey": "",
    ...(passkey.options ? { "data-options": JSON.stringify(passkey.options) } : {}),
  };
  return (
    <form method="post" action={action} {...asking}>
      <input type="hidden" name="form" value={visit.formToken} />
      {Object.entries(keeps).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      <Amiss told={told} names={names} />
      {children}
    </form>
  );
}

/** What was refused, in words; what belongs to a field stands beside that field. */
export function Amiss({ told, names = [] }: { told: Told | null; names?: readonly string[] }) {
  if (!told?.problem) return null;
  const { type, errors } = told.problem;
  const { title, meaning } = problems[type];
  const [head, body] = forPeople[type] ?? [title, meaning];
  const elsewhere = errors.filter(({ pointer }) => !names.includes(pointer?.slice(1) ?? ""));
  return (
    <div class="amiss" role="alert">
      <strong>{head}</strong> {body.replaceAll("`", "")}
      {elsewhere.length === 0 ? null : (
        <ul>
          {elsewhere.map(({ pointer, detail }) => (
            <li>{`${pointer?.slice(1) ?? "It"} ${detail}`}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly type?: "text" | "email" | "password";
  readonly autocomplete: string;
  readonly value?: string;
  readonly hint?: string;
  readonly inputmode?: "email" | "numeric" | "tel";
  readonly told?: Told | null;
}

export function Field(props: FieldProps) {
  const { name, label, type = "text", autocomplete, value = "", hint, inputmode, told } = props;
  const faults = told?.problem?.errors.filter(({ pointer }) => pointer === `/${name}`) ?? [];
  const described = [...(hint ? [`${name}-hint`] : []), ...(faults.length > 0 ? [`${name}-fault`] : [])];
  return (
    <div class="field">
      <label for={name}>{label}</label>
      {hint ? (
        <p class="hint" id={`${name}-hint`}>
          {hint}
        </p>
      ) : null}
      <input
        id={name}
        name={name}
        type={type}
        // A password is never sent back.
        value={type === "password" ? undefined : value}
        autocomplete={autocomplete}
        required
        {...(type === "text" && inputmode === undefined ? {} : { autocapitalize: "none", spellcheck: false })}
        {...(inputmode ? { inputmode } : {})}
        {...(faults.length > 0 ? { "aria-invalid": "true" } : {})}
        {...(described.length > 0 ? { "aria-describedby": described.join(" ") } : {})}
      />
      {faults.length > 0 ? (
        <p class="fault" id={`${name}-fault`}>
          {faults.map(({ detail }) => `${label} ${detail}.`).join(" ")}
        </p>
      ) : null}
    </div>
  );
}

/** Unseen: tells a password manager whose password is asked for, or that it may say so itself. */
export function Username({ value = "" }: { value?: string }) {
  return <input type="text" name="username" value={value} autocomplete="username" readonly hidden />;
}

/** Something to read, with what to do next. */
export function Notice({ title, children }: { title: string; children: Child }) {
  return (
    <section class="card">
      <h1>{title}</h1>
      {children}
    </section>
  );
}

/** `23 Nov 2026, 03:47 UTC`. */
export function At({ at }: { at: string }) {
  const text = new Intl.DateTimeFormat("en-GB", {
    dateStyle: "medium",
    timeStyle: "short",
    timeZone: "UTC",
  }).format(new Date(at));
  return <time datetime={at}>{`${text} UTC`}</time>;
}
