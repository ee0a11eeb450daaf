import { Identities, Providers } from "#identity/federation/schema.ts";
import type { Told } from "./ask.ts";
import { Amiss, Form } from "./parts.tsx";
import { destinationOf, type Visit } from "./visit.ts";

/** As links: each leads away from here, and no form may. */
export async function ProviderLinks({ visit }: { visit: Visit }) {
  const { data } = Providers.parse((await visit.ask("GET", "/v1/sign-in/providers")).json);
  const destination = destinationOf(visit.fields);
  return (
    <div class="providers">
      {data.map(({ name, label }) => (
        <a
          class="button second"
          href={`/sign-in/with?${new URLSearchParams({ source: name, continue: destination })}`}
        >
          {`Continue with ${label}`}
        </a>
      ))}
      <a class="button second" href={`/sign-in/sso?${new URLSearchParams({ continue: destination })}`}>
        Single sign-on
      </a>
    </div>
  );
}

/** Whom one is known by, and whom one could be. */
export async function ConnectedAccounts({ visit, told }: { visit: Visit; told: Told | null }) {
  const listed = await visit.ask("GET", "/v1/me/identities");
  if (listed.problem) return <Amiss told={listed} />;
  const { data } = Identities.parse(listed.json);
  const { data: providers } = Providers.parse((await visit.ask("GET", "/v1/sign-in/providers")).json);
  const others = providers.filter(({ name }) => !data.some(({ source }) => source === name));
  if (data.length === 0 && others.length === 0) return null;
  return (
    <section class="part">
      <h2>Other ways to sign in</h2>
      <Amiss told={told} />
      {data.length === 0 ? null : (
        <ul class="rows">
          {data.map(({ id, label, issuer }) => (
            <li>
              <div>
                <h3>{label}</h3>
                <p class="aside">{new URL(issuer).hostname}</p>
              </div>
              <Form visit={visit} action="/account" keeps={{ do: "disconnect", identity: id }}>
                <button type="submit" class="second" aria-label={`Disconnect ${label}`}>
                  Disconnect
                </button>
              </Form>
            </li>
          ))}
        </ul>
      )}
      {others.length === 0 ? null : (
        <div class="providers">
          {others.map(({ name, label }) => (
            <a class="button second" href={`/account/connect?${new URLSearchParams({ source: name })}`}>
              {`Connect ${label}`}
            </a>
          ))}
        </div>
      )}
    </section>
  );
}
