import type { z } from "zod";
import type { FactorList } from "#identity/factors/schema.ts";
import { At, Form } from "./parts.tsx";
import type { Visit } from "./visit.ts";

type Passkey = z.output<typeof FactorList>["passkeys"][number];

export function OnePasskey({ visit, passkey }: { visit: Visit; passkey: Passkey }) {
  const { id, name, isSynced, createdAt, lastUsedAt } = passkey;
  return (
    <li class="one">
      <div>
        <h3>
          {name} {isSynced ? <span class="tag">synced</span> : null}
        </h3>
        <p class="aside">
          Added <At at={createdAt} />
          <br />
          {lastUsedAt === null ? (
            "Not used yet"
          ) : (
            <>
              Last used <At at={lastUsedAt} />
            </>
          )}
        </p>
      </div>
      <Do
        visit={visit}
        keeps={{ do: "remove-passkey", passkey: id }}
        label="Remove"
        what={`passkey ${name}`}
      />
    </li>
  );
}

type Sms = z.output<typeof FactorList>["sms"];

export function TextMessages({ visit, sms }: { visit: Visit; sms: Sms }) {
  return (
    <li>
      <div>
        <h2>Text messages</h2>
        <p class="aside">
          {sms ? (
            <>
              To {sms.number}, since <At at={sms.createdAt} />
            </>
          ) : (
            "None yet. The least safe way, and not at every business."
          )}
        </p>
      </div>
      <Do visit={visit} keeps={{ do: "add-sms" }} label={sms ? "Replace" : "Add"} what="telephone number" />
      {sms ? <Do visit={visit} keeps={{ do: "remove-sms" }} label="Remove" what="telephone number" /> : null}
    </li>
  );
}

interface DoProps {
  readonly visit: Visit;
  readonly keeps: Readonly<Record<string, string>>;
  readonly label: string;
  /** For whoever hears a button without what stands beside it. */
  readonly what: string;
}

export function Do({ visit, keeps, label, what }: DoProps) {
  return (
    <Form visit={visit} action="/second-factor" keeps={keeps}>
      <button type="submit" class="second" aria-label={`${label}: ${what}`}>
        {label}
      </button>
    </Form>
  );
}
