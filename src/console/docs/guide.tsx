import { tiers } from "#gate/tiers.ts";
import { exampleOf } from "#http/openapi/example.ts";
import type { OpenApi } from "#http/openapi/types.ts";
import { Code, Json } from "./code.tsx";
import { titleOf } from "./layout.tsx";
import { isPublicTag } from "./model.ts";

const problem = {
  type: "/problems/invalid",
  title: "The request has invalid fields.",
  status: 422,
  requestId: "req_01jd5r0t6vf3h8k2m4n6p8q0rs",
  errors: [{ pointer: "/email", detail: "is not an e-mail address" }],
};

const clientExample = (origin: string) => `import { createClient, each } from "./client/client.ts";
import { KeylineProblem } from "./client/problem.ts";

const keyline = createClient({ baseUrl: "${origin}", tenant: "harbour-cafe", key });

for await (const order of each(keyline.orders.list, { status: "placed" }))
  console.log(order.number, order.total);

try {
  await keyline.customers.create({ body: { name: "Ada Lovelace", email: "ada@example" } });
} catch (error) {
  if (error instanceof KeylineProblem) console.log(error.problem, error.errors);
}`;

/** How calls are made, whatever they are about. */
export function Guide({ document, origin }: { document: OpenApi; origin: string }) {
  const resources = document.tags.filter(({ name }) => !isPublicTag(document, name));
  const customer = exampleOf({ $ref: "#/components/schemas/Customer" }, document.components.schemas);
  const tenant = `${origin}/v1/tenants/harbour-cafe`;
  return (
    <article class="guide">
      <header class="hero">
        <div>
          <p class="kicker">Keyline API</p>
          <h1>Sell work and time.</h1>
          <p class="lead">
            Customers, orders, locations and everything around them, for many businesses on one deployment.
            None can see another, every change is on record, and asking twice never does it twice.
          </p>
          <p class="chips">
            <code class="chip">{origin}</code>
            <span class="chip">OpenAPI {document.openapi}</span>
          </p>
        </div>
        <Code label="Add a customer">
          <code>{`curl ${tenant}/customers \\
  -H "Authorization: Bearer $KEY" \\
  -H "Content-Type: application/json" \\
  -d '{ "name": "Ada Lovelace" }'`}</code>
          <hr />
          <Json value={{ ...Object(customer), email: null, phone: null, note: null }} />
        </Code>
      </header>

      <section id="resources">
        <h2 class="unseen">Resources</h2>
        <ul class="cards">
          {resources.map(({ name, description }) => (
            <li>
              <a href={`/docs/${name}`}>
                <b>{titleOf(name)}</b>
                <span>{description}</span>
              </a>
            </li>
          ))}
        </ul>
      </section>

      <section id="first-call">
        <h2>A first call</h2>
        <p>
          Every call is made within one tenant, named in the URL by its slug or its id. Check a key, and see
          what is left of its rate limit:
        </p>
        <Code label="curl">
          <code>{`export KEY=kl_live_…\ncurl -i -H "Authorization: Bearer $KEY" ${tenant}/ping`}</code>
        </Code>
      </section>

      <section id="credentials">
        <h2>Credentials</h2>
        <p>
          Send an API key (<code>kl_live_…</code>, or <code>kl_test_…</code> for a sandbox tenant) or an
          access token as <code>Authorization: Bearer …</code>. A key does what its scopes say, at the
          locations it was given, from the addresses on its list, and nothing more; whoever creates one cannot
          give away what they do not hold. Each operation on these pages names the one capability it asks for.
        </p>
        <p>A revoked key is refused from the next request on, wherever it is sent.</p>
      </section>

      <section id="limits">
        <h2>Limits</h2>
        <p>
          Limits are per key and exact. <code>RateLimit</code> on every answer says how many more calls will
          be let through; a <code>429</code> says in <code>Retry-After</code> how many seconds to wait.
          Operations that read much have a tenth of it to themselves and take nothing from the rest, and a key
          may be held to less for a while.
        </p>
        <table>
          <thead>
            <tr>
              <th>Plan</th>
              <th>Calls a minute</th>
              <th>At once</th>
            </tr>
          </thead>
          <tbody>
            {Object.entries(tiers).map(([name, { perMinute, burst }]) => (
              <tr>
                <td>{titleOf(name)}</td>
                <td>{perMinute.toLocaleString("en")}</td>
                <td>{burst.toLocaleString("en")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>

      <section id="retries">
        <h2>Safe retries</h2>
        <p>
          Give every <code>POST</code> an <code>Idempotency-Key</code>, any text that names the attempt. If
          the connection breaks, send the very same request again: either it is done now, or you get the
          answer of the first one, marked <code>Idempotency-Replayed: true</code>. The same key with another
          body is refused. Keys are kept for 24 hours, 30 days where money moves.
        </p>
        <p>
          Things carry a <code>version</code>, which is also their <code>ETag</code>. Send it as{" "}
          <code>If-Match</code> with a change, and the change is made only if nobody else was faster.
        </p>
      </section>

      <section id="problems">
        <h2>Problems</h2>
        <p>
          What is refused is refused with a problem document (RFC 9457). The last part of <code>type</code> is
          a stable name that a program can rely on; <a href="/docs/problems">all of them</a> are listed. Quote
          the <code>requestId</code> when you ask for help.
        </p>
        <Code label="422 application/problem+json">
          <Json value={problem} />
        </Code>
        <p>
          An id that is malformed, was never given, or belongs to somebody else is answered the same:{" "}
          <code>404</code>.
        </p>
      </section>

      <section id="lists">
        <h2>Lists</h2>
        <p>
          Lists answer <code>{"{ data, nextCursor }"}</code>, newest first. Ask again with{" "}
          <code>?cursor=</code> until <code>nextCursor</code> is null; <code>?limit=</code> is 1 to 100, 20
          unless told. A cursor is worth something only for the list and the filter it was given for.
        </p>
      </section>

      <section id="reading">
        <h2>Reading your writes</h2>
        <p>
          Reads are answered near the reader. To see what you just wrote, send back the{" "}
          <code>X-Keyline-Bookmark</code> of that answer with the next read.
        </p>
      </section>

      <section id="browsers">
        <h2>From a browser</h2>
        <p>
          A tenant lists the origins whose pages may call the API in its <a href="/docs/settings">settings</a>
          , and a key can be held to some of them. Preflights need no credentials; the request itself is
          refused when its origin is not on the lists, and then a page reads nothing of the answer. A page of
          a listed origin can read <code>RateLimit</code>, <code>Retry-After</code>, <code>ETag</code>,{" "}
          <code>X-Request-Id</code> and the bookmark.
        </p>
        <p>
          A key in a page is a key in everybody's hands: give it the least scopes, or use the access token of
          whoever is signed in.
        </p>
      </section>

      <section id="client">
        <h2>TypeScript client</h2>
        <p>
          The folder <code>src/client</code> of the project is made from this contract, for browsers and Node,
          and imports nothing: copy it. It repeats safely with one <code>Idempotency-Key</code> per call,
          waits as long as <code>Retry-After</code> says, brings the bookmark back and throws what is refused
          as a <code>KeylineProblem</code> with a typed name.
        </p>
        <Code label="TypeScript">
          <code>{clientExample(origin)}</code>
        </Code>
        <p>
          For other languages, any generator reads <a href="/openapi.json">OpenAPI 3.1</a> or{" "}
          <a href="/openapi-3.0.json">3.0.3</a>.
        </p>
      </section>

      <section id="growth">
        <h2>What may change</h2>
        <p>
          We add operations, optional fields of requests, fields of answers and problems within{" "}
          <code>/v1</code>; a program passes over what it does not know. What is there keeps its name, its
          type and its meaning.
        </p>
      </section>
    </article>
  );
}
