import type { Shown } from "./model.ts";

/** A form that sends the call from the reader's browser; the script brings it to life, without it there is none. */
export function TryIt({ shown }: { shown: Shown }) {
  const { id, method, path, operation, parameters, requestExample, bytes } = shown;
  const fields = parameters.filter(
    ({ name, in: place }) => place !== "header" && !(place === "path" && name === "tenant"),
  );
  return (
    <form
      class="try"
      data-method={method.toUpperCase()}
      data-path={path}
      data-open={operation.security.length === 0 ? "" : undefined}
      aria-label={`Try ${id}`}
      autocomplete="off"
      hidden
    >
      <h3>Try it</h3>
      {fields.map(({ name, in: place, required }) => (
        <label>
          <span>
            {name}
            {required ? "" : <i> optional</i>}
          </span>
          <input name={name} data-in={place} required={required} spellcheck={false} />
        </label>
      ))}
      {requestExample === undefined ? null : (
        <label>
          <span>body</span>
          <textarea name="body" rows={Math.min(14, lineCount(requestExample))} spellcheck={false}>
            {JSON.stringify(requestExample, null, 2)}
          </textarea>
        </label>
      )}
      {bytes ? (
        <label>
          <span>body</span>
          <input type="file" name="bytes" required />
        </label>
      ) : null}
      <button type="submit">Send {method.toUpperCase()}</button>
      <output aria-live="polite" />
    </form>
  );
}

function lineCount(value: unknown): number {
  return JSON.stringify(value, null, 2).split("\n").length + 1;
}
