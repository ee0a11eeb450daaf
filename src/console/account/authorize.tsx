import { z } from "zod";
import { AuthorizationOutcome } from "#identity/oauth/schema.ts";
import { nobodySignedIn } from "#identity/oauth/silent.ts";
import { Needed, type Told } from "./ask.ts";
import { Amiss, Form, Notice } from "./parts.tsx";
import { type Handler, type Reply, shown, type Visit } from "./visit.ts";

const Decision = z.enum(["allow", "deny"]);

/** What a program asks of its user, or where its user's browser goes at once. */
export const showAuthorization: Handler = async (visit) => {
  if (visit.user) return await answered(visit, {});
  const away = await nobodySignedIn(visit.c.env, queryOf(visit));
  if (away === null) throw new Needed("sign-in");
  return { away };
};

/** Yes or no. */
export const decide: Handler = async (visit) => {
  if (!visit.user) throw new Needed("sign-in");
  const decision = Decision.safeParse(visit.fields.get("decision"));
  const said = decision.success
    ? { decision: decision.data, shown: visit.fields.get("shown") ?? undefined }
    : {};
  return await answered(visit, said);
};

// As the client made it: a parameter that is there twice shall be seen as that.
function queryOf({ c }: Visit): string {
  return new URL(c.req.url).search.slice(1);
}

interface Said {
  readonly decision?: "allow" | "deny";
  readonly shown?: string | undefined;
}

async function answered(visit: Visit, said: Said): Promise<Reply> {
  const query = queryOf(visit);
  const told = await visit.ask("POST", "/v1/me/oauth-authorizations", { query, ...said });
  if (told.problem) return refusedPage(told);
  const { next, location, consent } = AuthorizationOutcome.parse(told.json);
  if (next === "redirect" && location !== null) return { away: location };
  // Whoever has signed in already proves once more who they are, which is what a sign-in is for.
  if (next === "sign-in" || consent === null) throw new Needed("proof");
  const redirectUri = new URLSearchParams(query).get("redirect_uri") ?? "";
  return {
    ...shown(`Let ${consent.client} in`, <Consent visit={visit} query={query} consent={consent} />),
    formTo: redirectUri,
  };
}

type Asked = NonNullable<z.output<typeof AuthorizationOutcome>["consent"]>;

function Consent({ visit, query, consent }: { visit: Visit; query: string; consent: Asked }) {
  const { client, tenant, host, allows } = consent;
  return (
    <section class="card">
      <h1>{`Let ${client} in?`}</h1>
      <p class="lead">
        <b>{client}</b> asks to act for you at <b>{tenant}</b>. It may then
      </p>
      <ul>
        {allows.map(({ scope, label }) => (
          <li>
            {label} <span class="aside">{scope}</span>
          </li>
        ))}
      </ul>
      <p class="aside">
        Never more than you may do there yourself. You are sent back to <b>{host}</b>. You can take it back at
        any time.
      </p>
      <Form visit={visit} action={`/oauth/authorize?${query}`}>
        <input type="hidden" name="shown" value={allows.map(({ scope }) => scope).join(" ")} />
        <button type="submit" name="decision" value="allow">
          Allow
        </button>
        <button type="submit" name="decision" value="deny" class="second">
          Do not allow
        </button>
      </Form>
    </section>
  );
}

const ways: Readonly<Record<string, readonly [href: string, label: string]>> = {
  "second-factor-enrolment-required": ["/second-factor", "Add a second factor"],
  "password-change-required": ["/password", "Change your password"],
};

// Nobody is sent anywhere by what may be anybody's link.
function refusedPage(told: Told): Reply {
  const way = ways[told.problem?.type ?? ""];
  const isTheirs = told.problem?.type === "invalid" || told.problem?.type === "not-found";
  const content = (
    <Notice title={isTheirs ? "This link is not right" : "Not yet"}>
      {isTheirs ? (
        <p>
          The program that sent you here is not known to any of your businesses, or did not ask as it should.
          Nothing was told to it.
        </p>
      ) : (
        <Amiss told={told} />
      )}
      <a class="button" href={way?.[0] ?? "/home"}>
        {way?.[1] ?? "Your businesses"}
      </a>
    </Notice>
  );
  return shown("Not let in", content, told);
}
