import { Identities, Providers } from "#identity/federation/schema.ts";
import { Form } from "./parts.tsx";
import { destinationOf, type Visit } from "./visit.ts";

interface Someone {
  readonly visit: Visit;
  readonly email: string;
}

/** For whoever has none yet: the link that chooses one goes to their own address. */
export function MailPassword({ visit, email, isSecond = false }: Someone & { isSecond?: boolean }) {
  return (
    <Form visit={visit} action="/forgot" keeps={{ email }}>
      <button type="submit" class={isSecond ? "second" : ""}>
        Mail me a link to choose one
      </button>
    </Form>
  );
}

/** Whoever has no password proves that it is them where they sign in, or by a password once they have one. */
export async function ProofWithoutPassword({ visit, email }: Someone) {
  const issuers = await issuersOf(visit);
  const goOn = destinationOf(visit.fields);
  return (
    <>
      {issuers.length === 0 ? null : (
        <div class="providers">
          {issuers.map(({ name, label }) => (
            <a
              class="button"
              href={`/sign-in/with?${new URLSearchParams({ source: name, fresh: "1", continue: goOn })}`}
            >
              {`Sign in again with ${label}`}
            </a>
          ))}
        </div>
      )}
      <section class="otherwise">
        <h2>{issuers.length === 0 ? "You have no password yet" : "Still being asked?"}</h2>
        <p class="aside">
          {issuers.length === 0
            ? "Choose one, and sign in with it."
            : "Some do not ask you anew, or do not tell us that they did. Then choose a password, and sign in with it."}
        </p>
        <MailPassword visit={visit} email={email} isSecond={issuers.length > 0} />
      </section>
    </>
  );
}

// A business's own sign-in is none of these: it proves nothing of the account.
async function issuersOf(visit: Visit) {
  const listed = await visit.ask("GET", "/v1/me/identities");
  if (listed.problem) return [];
  const known = Identities.parse(listed.json).data.map(({ source }) => source);
  const { data } = Providers.parse((await visit.ask("GET", "/v1/sign-in/providers")).json);
  return data.filter(({ name }) => known.includes(name));
}
