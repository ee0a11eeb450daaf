import { ConnectedClients } from "#identity/oauth/schema.ts";
import type { Told } from "./ask.ts";
import { Amiss, At, Form } from "./parts.tsx";
import { type Handler, type Reply, shown, type Visit } from "./visit.ts";

export const showPrograms: Handler = async (visit) => await programsPage(visit);

/** What was allowed to one of them is taken back. */
export const endProgram: Handler = async (visit) => {
  const id = encodeURIComponent(visit.fields.get("program") ?? "");
  const told = await visit.ask("DELETE", `/v1/me/oauth-clients/${id}`);
  return told.problem ? await programsPage(visit, told) : { to: "/programs" };
};

async function programsPage(visit: Visit, told: Told | null = null): Promise<Reply> {
  const listed = await visit.ask("GET", "/v1/me/oauth-clients");
  const programs = listed.problem ? [] : ConnectedClients.parse(listed.json).data;
  return shown(
    "Programs you let in",
    <section class="wide">
      <h1>Programs you let in</h1>
      <p class="lead">
        They act for you, as far as you allowed it. What you take back ends at once, wherever they are signed
        in.
      </p>
      <Amiss told={told ?? listed} />
      {programs.length === 0 ? <p class="aside">There are none.</p> : null}
      <ul class="rows">
        {programs.map(({ clientId, name, scope, since }) => (
          <li>
            <div>
              <h2>{name}</h2>
              <p class="aside">
                {scope}
                <br />
                Since <At at={since} />
              </p>
            </div>
            <Form visit={visit} action="/programs" keeps={{ program: clientId }}>
              <button type="submit" class="second" aria-label={`Take back what ${name} may do`}>
                Take back
              </button>
            </Form>
          </li>
        ))}
      </ul>
    </section>,
    told ?? listed,
  );
}
