import type { Child } from "hono/jsx";
import type { Shown } from "./model.ts";

/** JSON with its names, texts and numbers told apart. */
export function Json({ value }: { value: unknown }) {
  const text = JSON.stringify(value, null, 2);
  return <code>{coloured(text)}</code>;
}

function coloured(text: string): Child[] {
  const token = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(-?\d+(?:\.\d+)?|true|false|null)\b/g;
  const parts: Child[] = [];
  let end = 0;
  for (const { 0: whole, 1: string, 2: colon, index } of text.matchAll(token)) {
    parts.push(text.slice(end, index));
    const kind = string === undefined ? "tok-value" : colon === undefined ? "tok-text" : "tok-name";
    parts.push(<span class={kind}>{whole}</span>);
    end = index + whole.length;
  }
  return [...parts, text.slice(end)];
}

/** A path with its placeholders marked. */
export function Path({ path }: { path: string }) {
  return (
    <code class="path">
      {path.split(/(\{\w+\})/).map((part) => (part.startsWith("{") ? <var>{part.slice(1, -1)}</var> : part))}
    </code>
  );
}

export function Method({ method }: { method: string }) {
  return <span class={`method method-${method}`}>{method === "delete" ? "DEL" : method.toUpperCase()}</span>;
}

/** Text in which `names` stand in backquotes. */
export function Prose({ text }: { text: string }) {
  return <>{text.split(/`([^`]+)`/).map((part, index) => (index % 2 === 1 ? <code>{part}</code> : part))}</>;
}

export function Code({ label, children }: { label: string; children: Child }) {
  return (
    <figure class="code">
      <figcaption>
        <span>{label}</span>
        <button type="button" class="copy" hidden>
          Copy
        </button>
      </figcaption>
      <pre>{children}</pre>
    </figure>
  );
}

/** The call as one would paste it into a shell. */
export function curl({ method, path, operation, requestExample, bytes }: Shown, origin: string): string {
  const verb =
    method === "get" || (method === "post" && requestExample !== undefined)
      ? ""
      : `-X ${method.toUpperCase()} `;
  const address = `${origin}${path.replace("{tenant}", "harbour-cafe").replaceAll(/\{(\w+)\}/g, "$$$1")}`;
  const isPublic = operation.security.length === 0;
  const takesKey = operation.parameters.some(
    (each) => "$ref" in each && each.$ref.endsWith("/IdempotencyKey"),
  );
  const parts = [
    `curl ${verb}"${address}"`,
    ...(isPublic ? [] : ['-H "Authorization: Bearer $KEY"']),
    ...(takesKey ? ['-H "Idempotency-Key: $(uuidgen)"'] : []),
    ...(requestExample === undefined
      ? []
      : [
          '-H "Content-Type: application/json"',
          `-d '${jsonOf(requestExample).replaceAll("\n", "\n  ").replaceAll("'", "'\\''")}'`,
        ]),
    ...(bytes ? ["--data-binary @proof.pdf"] : []),
  ];
  return parts.join(" \\\n  ");
}

// On one line where it is short.
function jsonOf(value: unknown): string {
  const line = JSON.stringify(value);
  return line.length <= 40 ? line : JSON.stringify(value, null, 2);
}

/** The same with src/client. */
export function typescript({ id, path, requestExample, bytes }: Shown): string {
  const [resource = "", verb = ""] = id.split(".");
  const camel = resource.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const params = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).filter((name) => name !== "tenant");
  const members = [
    ...(params.length > 0 ? [`params: { ${params.join(", ")} }`] : []),
    ...(requestExample === undefined ? [] : [`body: ${jsonOf(requestExample)}`]),
    ...(bytes ? ["body: file"] : []),
  ];
  return `await keyline.${camel}.${verb}(${members.length > 0 ? `{ ${members.join(", ")} }` : ""});`;
}
