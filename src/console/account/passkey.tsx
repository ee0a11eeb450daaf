import type { Child } from "hono/jsx";
import { Form } from "./parts.tsx";
import type { Visit } from "./visit.ts";

interface PasskeyFormProps {
  readonly visit: Visit;
  readonly action: string;
  readonly keeps?: Readonly<Record<string, string>>;
  readonly label: string;
  /** Of a passkey that is to be made; a proof asks for its own. */
  readonly options?: unknown;
  readonly isSecond?: boolean;
  readonly children?: Child;
}

/** An ordinary form, one field of which the browser's authenticator fills in: unseen where there can be none. */
export function PasskeyForm(props: PasskeyFormProps) {
  const { visit, action, keeps = {}, label, options, isSecond = false, children } = props;
  return (
    <div class="passkey" hidden>
      <Form visit={visit} action={action} keeps={{ ...keeps, response: "" }} passkey={{ options }}>
        {children}
        <p class="fault" role="alert" hidden>
          No passkey was used: it was called off, took too long, or there is none here for this account.
        </p>
        <button type="submit" class={isSecond ? "second" : ""}>
          {label}
        </button>
      </Form>
    </div>
  );
}

/** Where nothing else than a passkey is asked for; the script takes it away. */
export function WithoutPasskey() {
  return <p class="aside without-passkey">A passkey needs JavaScript, and a browser of the last years.</p>;
}

/** What the authenticator answered; whether it is that, the operation decides. */
export function sentPasskey(fields: URLSearchParams): unknown {
  try {
    return JSON.parse(fields.get("response") ?? "");
  } catch {
    return null;
  }
}
