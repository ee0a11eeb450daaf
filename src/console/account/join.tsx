import { roles } from "#gate/roles.ts";
import { Invited, Joined } from "#identity/members/invitations.ts";
import type { Told } from "./ask.ts";
import { Amiss, At, Form, Notice } from "./parts.tsx";
import { type Handler, type Reply, shown, type Visit } from "./visit.ts";

export const showJoin: Handler = async (visit) => await joinPage(visit);

export const join: Handler = async (visit) => {
  const told = await visit.ask("POST", "/v1/me/invitations", invitationIn(visit));
  if (told.problem) return await joinPage(visit, told);
  const { name } = Joined.parse(told.json);
  const content = (
    <Notice title={`You are a member of ${name}`}>
      <p class="lead">It stands among your businesses from now on.</p>
      <a class="button" href="/home">
        Go to your businesses
      </a>
    </Notice>
  );
  return shown(`You are a member of ${name}`, content);
};

async function joinPage(visit: Visit, told: Told | null = null): Promise<Reply> {
  const looked = await visit.ask("POST", "/v1/me/invitations/look", invitationIn(visit));
  if (looked.problem) return notOpen(visit, told ?? looked);
  const { name, slug, role, roleName, expiresAt } = Invited.parse(looked.json);
  return shown(
    `Join ${name}`,
    <section class="card">
      <h1>{`Join ${name}`}</h1>
      <p class="lead">
        The business <b>{slug}</b> invites you as <b>{roleName ?? labelOf(role)}</b>. Those who manage its
        people will see your name and your address.
      </p>
      <Form visit={visit} action="/join" keeps={keptOf(visit)} told={told}>
        <button type="submit">Accept the invitation</button>
      </Form>
      <p class="aside">
        It can be accepted until <At at={expiresAt} />. If you do not know that business, leave this page.
      </p>
    </section>,
    told,
  );
}

function notOpen(visit: Visit, told: Told): Reply {
  const isForAnother = told.problem?.type === "invitation-for-another";
  return shown(
    "This invitation",
    <section class="card">
      <h1>This invitation</h1>
      <Amiss told={told} />
      {isForAnother ? (
        <Form visit={visit} action="/sign-out">
          <p class="lead">
            Sign out here, sign in with the address that the mail came to, and open its link again.
          </p>
          <button type="submit">Sign out</button>
        </Form>
      ) : (
        <p class="lead">Ask whoever invited you to send it again.</p>
      )}
      <p class="ways">
        <a href="/home">Your businesses</a>
      </p>
    </section>,
    told,
  );
}

function keptOf({ fields }: Visit) {
  return { tenant: fields.get("tenant") ?? "", token: fields.get("token") ?? "" };
}

function invitationIn(visit: Visit) {
  const { tenant, token } = keptOf(visit);
  return { tenantId: tenant, token };
}

function labelOf(role: string): string {
  const found = Object.entries(roles).find(([name]) => name === role);
  return found ? found[1].label : role;
}
