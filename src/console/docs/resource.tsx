import type { Child } from "hono/jsx";
import type { OpenApi } from "#http/openapi/types.ts";
import { Code, curl, Json, Method, Path, Prose, typescript } from "./code.tsx";
import { Fields } from "./fields.tsx";
import { titleOf } from "./layout.tsx";
import { factsOf, fieldsOf, isPublicTag, operationsOf, type Shown, typeOf } from "./model.ts";
import { TryIt } from "./try-it.tsx";

export function ResourcePage({ document, tag, origin }: { document: OpenApi; tag: string; origin: string }) {
  const operations = operationsOf(document, tag);
  const about = document.tags.find(({ name }) => name === tag)?.description ?? "";
  return (
    <>
      <header class="intro">
        <p class="kicker">{isPublicTag(document, tag) ? "This deployment" : "Resource"}</p>
        <h1>{titleOf(tag)}</h1>
        <p class="lead">{about}</p>
      </header>
      <Index shown={operations} />
      {operations.map((shown) => (
        <Operation shown={shown} document={document} origin={origin} />
      ))}
    </>
  );
}

/** All that can be done, on one screen. */
function Index({ shown }: { shown: readonly Shown[] }) {
  return (
    <ul class="index" aria-label="Operations">
      {shown.map(({ id, method, path, operation }) => (
        <li>
          <a href={`#${id}`}>
            <Method method={method} />
            <Path path={path.replace("/v1/tenants/{tenant}", "")} />
            <span>{operation.summary}</span>
          </a>
        </li>
      ))}
    </ul>
  );
}

function Operation({ shown, document, origin }: { shown: Shown; document: OpenApi; origin: string }) {
  const { id, method, path, operation } = shown;
  const [, ...notes] = operation.description.split("\n\n");
  return (
    <section class="operation" id={id}>
      <div class="told">
        <h2>
          <a href={`#${id}`}>{operation.summary}</a>
        </h2>
        <p class="route">
          <Method method={method} /> <Path path={path} />
        </p>
        <p class="chips">
          <code class="chip">{id}</code>
          <span class="chip chip-can">{operation["x-keyline-capability"] ?? accessOf(shown)}</span>
        </p>
        {notes.map((note) => (
          <p>
            <Prose text={note} />
          </p>
        ))}
        <Parameters shown={shown} document={document} />
        <Body shown={shown} document={document} />
        <Answer shown={shown} document={document} />
        <Problems shown={shown} />
      </div>
      <div class="shown">
        <Code label="curl">
          <code>{curl(shown, origin)}</code>
        </Code>
        {operation.security.length > 0 ? (
          <details class="more">
            <summary>TypeScript</summary>
            <Code label="src/client">
              <code>{typescript(shown)}</code>
            </Code>
          </details>
        ) : null}
        {shown.success.media?.example === undefined ? null : (
          <Code label={`${shown.success.status} answer`}>
            <Json value={shown.success.media.example} />
          </Code>
        )}
        <TryIt shown={shown} />
      </div>
    </section>
  );
}

function accessOf({ operation }: Shown): string {
  const { security } = operation;
  if (security.length === 0) return "no credentials";
  return security.some((each) => "signature" in each)
    ? "the sender's signature"
    : "any credentials of the tenant";
}

const places = { path: "In the path", query: "In the query", header: "Headers" } as const;

function Parameters({ shown, document }: { shown: Shown; document: OpenApi }) {
  return (
    <>
      {(["path", "query", "header"] as const).map((place) => {
        // The tenant is in every path; the guide tells of it once.
        const found = shown.parameters.filter((each) => each.in === place && each.name !== "tenant");
        const fields = found.map(({ name, required, description = null, schema }) => ({
          name,
          type: typeOf(schema, document),
          isRequired: required,
          description,
          facts: factsOf(schema),
          fields: [],
        }));
        return found.length === 0 ? null : (
          <>
            <h3>{places[place]}</h3>
            <Fields fields={fields} isAnswer={place === "path"} />
          </>
        );
      })}
    </>
  );
}

function Body({ shown, document }: { shown: Shown; document: OpenApi }) {
  const schema = shown.operation.requestBody?.content["application/json"]?.schema;
  if (shown.bytes)
    return (
      <>
        <h3>Body</h3>
        <p>
          <code>{shown.bytes.type}</code> {shown.bytes.description}
        </p>
      </>
    );
  if (!schema) return null;
  return (
    <>
      <h3>Body</h3>
      <Fields fields={fieldsOf(schema, document)} />
    </>
  );
}

function Answer({ shown, document }: { shown: Shown; document: OpenApi }) {
  const { status, media, response } = shown.success;
  const fields = media?.schema ? fieldsOf(media.schema, document) : [];
  const type = Object.keys(response.content ?? {})[0];
  return (
    <>
      <h3>
        Answer <span class="status">{status}</span>
      </h3>
      {fields.length > 0 ? <Fields fields={fields} isAnswer /> : <p>{worded(type)}</p>}
    </>
  );
}

function worded(type: string | undefined): Child {
  if (type === undefined) return "No body.";
  return type === "*/*" ? "Bytes, of the type they were uploaded as." : <code>{type}</code>;
}

function Problems({ shown: { problems } }: { shown: Shown }) {
  return (
    <details class="problems">
      <summary>{problems.length} problems</summary>
      <ul>
        {problems.map(({ name, status, meaning }) => (
          <li>
            <span class="status">{status}</span> <a href={`/docs/problems#${name}`}>{name}</a>
            <p>
              <Prose text={meaning} />
            </p>
          </li>
        ))}
      </ul>
    </details>
  );
}
