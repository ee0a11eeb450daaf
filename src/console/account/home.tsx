import type { z } from "zod";
import { macToken } from "#crypto/mac-token.ts";
import { platformTenant } from "#db/directory-tables.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { refreshState } from "#db/session-refreshes.ts";
import { directoryKeys } from "#gate/directory-keys.ts";
import { Memberships } from "#identity/accounts/schema.ts";
import { Tokens } from "#identity/sessions/schema.ts";
import { Needed, type Told } from "./ask.ts";
import { Amiss, Form } from "./parts.tsx";
import { type Handler, type Reply, shown, type Visit } from "./visit.ts";

export const showHome: Handler = async (visit) => await homePage(visit);

/** A token of one business, by the session's own refresh token: nobody else has one of a session that a page began. */
export const mintToken: Handler = async (visit) => {
  const tenant = visit.fields.get("tenant") ?? "";
  const refreshToken = await nextRefreshToken(visit);
  const told = await visit.ask("POST", "/v1/tokens", { refreshToken, tenant });
  if (told.problem) return await homePage(visit, told);
  const { accessToken } = Tokens.parse(told.json);
  const origin = visit.c.env.PUBLIC_ORIGIN;
  return shown(
    "Your token",
    <section class="wide">
      <h1>Your token</h1>
      <p class="lead">
        For <b>{tenant}</b>, with your rights there, for five minutes. It is shown this once: paste it into a
        shell.
      </p>
      {/* Longer than a phone is high: it scrolls, and so must be reached by the keyboard. */}
      <pre class="paste" tabindex={0}>
        <code>{`export TOKEN=${accessToken}\ncurl -s -H "Authorization: Bearer $TOKEN" ${origin}/v1/tenants/${tenant}/orders\n`}</code>
      </pre>
      <p class="aside">
        Whatever else can be called stands in <a href="/docs">the documentation</a>. For a program that runs
        by itself, make a key instead.
      </p>
      <a class="button second" href="/home">
        Back to your businesses
      </a>
    </section>,
  );
};

async function nextRefreshToken({ c, user }: Visit): Promise<string> {
  if (!user) throw new Needed("sign-in");
  const id = user.sessionId;
  const { state } = await keylessSession(c.env.DIRECTORY, platformTenant).read({ state: refreshState(id) });
  if (!state) throw new Needed("sign-in");
  const { ring } = await directoryKeys(c.env, () => true);
  return await macToken(ring.indexKey(), "refresh", { id, turn: state.generation });
}

async function homePage(visit: Visit, told: Told | null = null): Promise<Reply> {
  const listed = await visit.ask("GET", "/v1/me/tenants");
  const memberships = listed.problem ? null : Memberships.parse(listed.json).data;
  return shown(
    "Your businesses",
    <section class="wide">
      <h1>Your businesses</h1>
      {memberships?.length ? (
        <p class="lead">A token lets you call the API as yourself, at one of them.</p>
      ) : null}
      <Amiss told={told ?? listed} />
      {told?.problem?.type === "second-factor-enrolment-required" ? (
        <p>
          <a href="/second-factor">Add a second factor</a>
        </p>
      ) : null}
      {told?.problem?.type === "sso-required" ? (
        <p>
          <a href="/sign-in/sso">Sign in at your business</a>
        </p>
      ) : null}
      {told?.problem?.type === "password-change-required" ? (
        <p>
          <a href="/password">Change your password</a>
        </p>
      ) : null}
      {memberships?.length === 0 ? (
        <p class="lead">
          You are not a member of any yet. As soon as a business makes you one, it stands here.
        </p>
      ) : null}
      <ul class="rows">
        {memberships?.map((each) => (
          <Business visit={visit} business={each} />
        ))}
      </ul>
    </section>,
    told ?? listed,
  );
}

type Membership = z.output<typeof Memberships>["data"][number];

function Business({ visit, business: { slug, name, role } }: { visit: Visit; business: Membership }) {
  return (
    <li>
      <div>
        <h2>{name}</h2>
        <p class="aside">
          <span class="tag">{role}</span> {slug}
        </p>
      </div>
      <Form visit={visit} action="/home" keeps={{ tenant: slug }}>
        <button type="submit" class="second" aria-label={`Get a token for ${name}`}>
          Get a token
        </button>
      </Form>
    </li>
  );
}
