import { problems } from "#http/problem.ts";
import { Prose } from "./code.tsx";

/** As RFC 9110 calls them. */
const phrases: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  411: "Length Required",
  412: "Precondition Failed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  416: "Range Not Satisfiable",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
};

/** The whole catalogue, by status. */
export function ProblemsPage() {
  const byStatus = Map.groupBy(Object.entries(problems), ([, { status }]) => status);
  return (
    <article class="guide">
      <header class="intro">
        <p class="kicker">Reference</p>
        <h1>Problems</h1>
        <p class="lead">
          Everything this API refuses a call with. The name is the last part of the document's{" "}
          <code>type</code>; it never changes its meaning.
        </p>
      </header>
      {[...byStatus]
        .toSorted(([a], [b]) => a - b)
        .map(([status, named]) => (
          <section>
            <h2>
              {status} <small>{phrases[status]}</small>
            </h2>
            <dl class="catalogue">
              {named.map(([name, { title, meaning }]) => (
                <div id={name}>
                  <dt>
                    <code>{name}</code>
                  </dt>
                  <dd>
                    <b>{title}</b> <Prose text={meaning} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
    </article>
  );
}
