import { namedOperations, pathOf, type Registry } from "#http/registry.ts";
import { requestHeaders } from "./header-tables.ts";
import { Headers } from "./headers.ts";
import { operationObject } from "./operation-object.ts";
import { ProblemAnswers } from "./problem-answers.ts";
import { Schemas } from "./schemas.ts";
import type { OpenApi, OperationObject, Parameter, Version } from "./types.ts";

const about = `The back end of businesses that sell work and time.

- **Credentials**: an API key or an access token as a bearer. Every call is made within one tenant, named in the URL by its slug or id.
- **Problems** are RFC 9457 documents; the last part of \`type\` is a stable name.
- **Retries**: send an Idempotency-Key with a POST, and asking again is safe.
- **Limits** are exact and per principal: \`RateLimit\` says what is left, a 429 in \`Retry-After\` how long to wait. Expensive operations say so and have a tenth of the rate to themselves; a key may be held to a limit of its own.
- **Lists** answer \`{ data, nextCursor }\`.
- **Money** is in integer minor units of an ISO 4217 currency, times are RFC 3339 in UTC.
- **Growth**: we add operations, fields of answers and problems without a new version of the API; pass over what you do not know.`;

const tenant: Parameter = {
  name: "tenant",
  in: "path",
  required: true,
  description: "The tenant's slug or id.",
  schema: { type: "string", maxLength: 64, pattern: "^[a-z0-9][a-z0-9_-]*$" },
};

/** The whole contract, from what the operations declare. `abouts` says what each resource is. */
export function openApi(
  registry: Registry,
  abouts: Readonly<Record<string, string>>,
  origin: string,
  version: Version = "3.1",
): OpenApi {
  const schemas = new Schemas(version);
  const headers = new Headers();
  const problems = new ProblemAnswers(schemas, headers);
  const paths: Record<string, Record<string, OperationObject>> = {};
  for (const named of namedOperations(registry)) {
    const path = pathOf(named.operation);
    paths[path] = {
      ...paths[path],
      [named.operation.method]: operationObject(named, { schemas, headers, problems }),
    };
  }
  const takesSigned = namedOperations(registry).some(({ operation }) => operation.form === "protocol");
  return {
    openapi: version === "3.1" ? "3.1.1" : "3.0.3",
    info: {
      title: "Keyline",
      version: "1.0.0",
      description: about,
      contact: { name: "Security and support of this deployment", url: `${origin}/security` },
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    servers: [{ url: origin, description: environmentOf(origin), "x-internal": false }],
    tags: Object.keys(registry)
      .toSorted()
      .map((name) => ({ name, description: abouts[name] ?? name })),
    paths: sorted(paths),
    components: {
      securitySchemes: { bearer, ...(takesSigned ? { signature } : {}) },
      schemas: sorted(schemas.components),
      parameters: referredTo({ Tenant: tenant, ...requestHeaders }, paths),
      headers: sorted(headers.components),
      responses: sorted(problems.components),
    },
  };
}

const signature = {
  type: "apiKey",
  in: "header",
  name: "svix-signature",
  description:
    "A service's own signature over `svix-id`, `svix-timestamp` and the body (Standard Webhooks); not for clients.",
};

const bearer = {
  type: "http",
  scheme: "bearer",
  description:
    "An API key (`kl_live_…`, `kl_test_…`), or an access token: an ES256 JWT of type at+jwt (RFC 9068), verified as RFC 8725 asks; or a session token of an issuer that this deployment trusts.",
};

// A component that nothing refers to tells a reader of what is not there.
function referredTo<T>(components: Record<string, T>, paths: object): Record<string, T> {
  const text = JSON.stringify(paths);
  const isUsed = (name: string) => text.includes(`"#/components/parameters/${name}"`);
  return Object.fromEntries(Object.entries(components).filter(([name]) => isUsed(name)));
}

function environmentOf(origin: string): string {
  return new URL(origin).hostname === "localhost" ? "Local development" : "Production";
}

function sorted<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
