import { Prose } from "./code.tsx";
import type { Field } from "./model.ts";

/** The fields of a shape, one under the other, those of what they contain indented. */
export function Fields({ fields, isAnswer = false }: { fields: readonly Field[]; isAnswer?: boolean }) {
  return (
    <ul class="fields">
      {fields.map((field) => (
        <li>
          <div class="field">
            <code class="field-name">{field.name}</code>
            <span class="field-type">{field.type}</span>
            {field.isRequired && !isAnswer ? <span class="needed">required</span> : null}
          </div>
          {field.description ? (
            <p>
              <Prose text={field.description} />
            </p>
          ) : null}
          <Facts facts={field.facts} />
          {field.fields.length > 0 ? (
            <details>
              <summary>{field.fields.length} fields</summary>
              <Fields fields={field.fields} isAnswer={isAnswer} />
            </details>
          ) : null}
        </li>
      ))}
    </ul>
  );
}

function Facts({ facts }: { facts: readonly string[] }) {
  if (facts.length === 0) return null;
  return (
    <p class="facts">
      {facts.map((fact) => (
        <span>{fact}</span>
      ))}
    </p>
  );
}
