import type { Told } from "./ask.ts";
import { Field } from "./parts.tsx";
import type { Visit } from "./visit.ts";

/** What was typed, for the form that is shown again; never what a link says was. */
export function typed({ c, fields }: Visit, name: string): string {
  return c.req.method === "POST" ? (fields.get(name) ?? "") : "";
}

interface EmailProps {
  readonly visit: Visit;
  readonly told: Told | null;
  readonly label?: string;
  readonly autocomplete?: string;
}

/** Whose account it is, or is to be. */
export function EmailField({ visit, told, label = "E-mail address", autocomplete = "username" }: EmailProps) {
  return (
    <Field
      name="email"
      label={label}
      type="email"
      autocomplete={autocomplete}
      inputmode="email"
      value={typed(visit, "email")}
      told={told}
    />
  );
}

export function NewPasswordField({ told, label = "New password" }: { told: Told | null; label?: string }) {
  return (
    <Field
      name="password"
      label={label}
      type="password"
      autocomplete="new-password"
      hint="At least 12 characters. A few words that do not belong together are good."
      told={told}
    />
  );
}
