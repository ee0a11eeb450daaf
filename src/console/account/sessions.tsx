import { z } from "zod";
import { Session } from "#identity/sessions/schema.ts";
import type { Told } from "./ask.ts";
import { Amiss, At, Form } from "./parts.tsx";
import { type Handler, type Reply, shown, type Visit } from "./visit.ts";

const Sessions = z.object({ data: z.array(Session) });

export const showSessions: Handler = async (visit) => await sessionsPage(visit);

/** One, or all others. */
export const endSessions: Handler = async (visit) => {
  const id = visit.fields.get("session");
  const path = id === null ? "/v1/me/sessions/end-others" : `/v1/me/sessions/${encodeURIComponent(id)}/end`;
  const told = await visit.ask("POST", path);
  return told.problem ? await sessionsPage(visit, told) : { to: "/sessions" };
};

async function sessionsPage(visit: Visit, told: Told | null = null): Promise<Reply> {
  const listed = await visit.ask("GET", "/v1/me/sessions");
  const active = listed.problem
    ? []
    : Sessions.parse(listed.json).data.filter(({ state }) => state === "active");
  const sorted = active.toSorted((a, b) => Number(b.isCurrent) - Number(a.isCurrent));
  return shown(
    "Your sessions",
    <section class="wide">
      <h1>Your sessions</h1>
      <p class="lead">
        Where you are signed in. End whatever you do not know, and change your password then.
      </p>
      <Amiss told={told ?? listed} />
      <ul class="rows">
        {sorted.map((session) => (
          <One visit={visit} session={session} />
        ))}
      </ul>
      {active.length > 1 ? (
        <Form visit={visit} action="/sessions">
          <button type="submit" class="second">
            End all others
          </button>
        </Form>
      ) : null}
    </section>,
    told ?? listed,
  );
}

function One({ visit, session }: { visit: Visit; session: z.output<typeof Session> }) {
  const { id, device, place, address, lastUsedAt, isCurrent } = session;
  return (
    <li>
      <div>
        <h2>
          {device} {isCurrent ? <span class="tag">this one</span> : null}
        </h2>
        <p class="aside">
          {[place, address].filter((part) => part !== null).join(" · ") || "An unknown place"}
          <br />
          Last used <At at={lastUsedAt} />
        </p>
      </div>
      {isCurrent ? null : (
        <Form visit={visit} action="/sessions" keeps={{ session: id }}>
          <button type="submit" class="second" aria-label={`End the session of ${device}`}>
            End
          </button>
        </Form>
      )}
    </li>
  );
}
