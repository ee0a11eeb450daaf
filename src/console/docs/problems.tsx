import { problems } from "#http/problem.ts";
import { Prose } from "./code.tsx";

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
            <h2>{status}</h2>
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
