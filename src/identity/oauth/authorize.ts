import { eq } from "drizzle-orm";
import { type Change, insert, mustNotExist, update } from "#db/changes.ts";
import { issueCode } from "#db/oauth-grants.ts";
import { many, one, uniqueIndexOf } from "#db/queries.ts";
import { all } from "#db/statement.ts";
import type { Row } from "#db/tenant-table.ts";
import { capabilities, isCapability, noCapabilities, parseMask } from "#gate/capabilities.ts";
import { oauthClients, oauthConsents } from "#gate/tables.ts";
import type { Asked, Authorized, Authorizing } from "#http/client-consents.ts";
import { type Refusal, refuse } from "#http/outcome.ts";
import type { RequestContext } from "#http/request-state.ts";
import { claimsOf } from "#identity/sessions/access-tokens.ts";
import { heldTo } from "#identity/sessions/tenant-terms.ts";
import { isRegisteredRedirect } from "#lib/redirect-uri.ts";
import { secondMs } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { asMember, type MemberRun } from "./as-member.ts";
import {
  type Addressed,
  type AuthorizationError,
  type AuthorizationRequest,
  addressOf,
  isRecent,
  locationOf,
  requestOf,
} from "./authorization-request.ts";
import { within } from "./scope.ts";
import { committed, mostTries } from "./take-turn.ts";

const codeLivesMs = 60 * secondMs;

/**
 * RFC 6749 section 4.1.1, with PKCE alone. What is wrong with the client or its redirect URI is told to the user and to
 * no address that anybody could have written into a link; all else is the client's to know.
 */
export async function authorize(c: RequestContext, asking: Authorizing): Promise<Authorized | Refusal> {
  const addressed = addressOf(asking.query);
  if (!addressed) return refuse("invalid");
  return await asMember(c, asking.user, addressed.place, (run) => atTenant(run, asking, addressed));
}

async function atTenant(
  at: MemberRun,
  asking: Authorizing,
  addressed: Addressed,
  tries = 1,
): Promise<Authorized | Refusal> {
  const { run, policy, member } = at;
  const { memberId } = member;
  const { place, redirectUri } = addressed;
  const { client, consents } = await run.session.read({
    client: one(oauthClients, place.id),
    consents: many(oauthConsents, {
      ...uniqueIndexOf(oauthConsents),
      where: consentTo(memberId, place.id),
      limit: 1,
    }),
  });
  if (client?.deletedAt !== null) return refuse("not-found");
  if (!isRegisteredRedirect(redirectUri, texts(client.redirectUris))) return refuse("invalid");
  const { issuer } = asking.ports;
  const redirect = (error: AuthorizationError): Authorized => ({
    next: "redirect",
    location: locationOf(addressed, issuer, { error }),
  });
  const request = requestOf(addressed.parameters);
  if (typeof request === "string") return redirect(request);
  if (!texts(client.grantTypes).includes("authorization_code")) return redirect("unauthorized_client");
  const scopes = parseMask(client.scopes) ?? noCapabilities;
  const words = within(request.words, scopes, policy.capabilities);
  if (words.length === 0) return redirect("invalid_scope");
  const held = heldTo(member, asking);
  if (held.unmet !== null) return refuse(held.unmet);
  const isSilent = request.prompt.includes("none");
  const { auth_time: signedInAt } = claimsOf(issuer, held.session, run.now);
  if (!isRecent(request, run.now / secondMs - signedInAt))
    return isSilent ? redirect("login_required") : { next: "sign-in" };
  if (asking.decision === "deny") return redirect("access_denied");
  const [consent = null] = consents;
  // Who allowed it something under another name, or at other addresses, allowed it to somebody else.
  const standing = consent?.shownVersion === client.shownVersion ? consent : null;
  // What was said of a page counts for what that page showed: client or member may be able to do more by now.
  const isAllowed = asking.decision === "allow" && asking.shown === words.join(" ");
  if (!isAllowed && !isCovered(request, words, standing, redirectUri))
    return isSilent
      ? redirect("consent_required")
      : { next: "consent", consent: askedOf(member.name, client, redirectUri, words) };
  return await letIn(at, { ...asking, session: held.session }, addressed, {
    request,
    words,
    client,
    consent,
    isAllowed,
    tries,
  });
}

async function letIn(
  at: MemberRun,
  asking: Authorizing,
  addressed: Addressed,
  {
    request,
    words,
    client,
    consent,
    isAllowed,
    tries,
  }: {
    request: AuthorizationRequest;
    words: readonly string[];
    client: Row<typeof oauthClients>;
    consent: Consent | null;
    isAllowed: boolean;
    tries: number;
  },
): Promise<Authorized | Refusal> {
  const { run } = at;
  const { memberId } = at.member;
  const { user, session, ports } = asking;
  const clientId = addressed.place.id;
  const grant = {
    id: newId("ogr"),
    clientId,
    memberId,
    userId: user.userId,
    sessionId: user.sessionId,
    scope: words.join(" "),
    redirectUri: addressed.redirectUri,
    codeChallenge: request.codeChallenge,
    nonce: request.nonce,
    proof: {
      provedAt: session.provedAt ?? session.signedInAt,
      strongAt: session.strongAt,
      methods: session.methods,
    },
  };
  const changes = [
    ...(isAllowed ? consentChanges(consent, memberId, client, words, run.now) : []),
    ...issueCode(run.session.tenantId, grant, run.now, run.now + codeLivesMs),
  ];
  // Somebody consented or took it back meanwhile, in another window.
  if (!(await committed(run, changes)))
    return tries < mostTries ? await atTenant(at, asking, addressed, tries + 1) : refuse("unavailable");
  const code = await ports.makeToken("code", { id: grant.id, turn: 0 });
  return { next: "redirect", location: locationOf(addressed, ports.issuer, { code }) };
}

type Consent = Row<typeof oauthConsents>;

export function consentTo(memberId: string, clientId: string) {
  return all(eq(oauthConsents.memberId, memberId), eq(oauthConsents.clientId, clientId));
}

function consentChanges(
  consent: Consent | null,
  memberId: string,
  { id: clientId, shownVersion }: Row<typeof oauthClients>,
  words: readonly string[],
  now: number,
): Change[] {
  if (consent) {
    const isSame = consent.shownVersion === shownVersion;
    const scope = [...new Set([...(isSame ? consent.scope.split(" ") : []), ...words])].join(" ");
    return isSame && scope === consent.scope
      ? []
      : [update(oauthConsents, consent, { scope, shownVersion }, now)];
  }
  const scope = words.join(" ");
  return [
    mustNotExist(oauthConsents, consentTo(memberId, clientId), null),
    insert(oauthConsents, { id: newId("oco"), memberId, clientId, scope, shownVersion }, now),
  ];
}

// RFC 8252 section 8.6: at an address of the user's own machine anybody could be listening, so they are asked each time.
function isCovered(
  { prompt }: AuthorizationRequest,
  words: readonly string[],
  consent: Consent | null,
  redirectUri: string,
): boolean {
  const given = consent?.scope.split(" ") ?? [];
  const mustAsk = prompt.includes("consent") || prompt.includes("select_account");
  return !mustAsk && redirectUri.startsWith("https://") && words.every((word) => given.includes(word));
}

const identityLabels: Readonly<Record<string, string>> = {
  openid: "Know that it is you",
  profile: "See your name",
  email: "See your e-mail address",
  offline_access: "Go on while you are away, until you sign out or take it back",
};

function askedOf(
  tenant: string,
  client: Row<typeof oauthClients>,
  redirectUri: string,
  words: readonly string[],
): Asked {
  const labelOf = (word: string) =>
    isCapability(word) ? capabilities[word].label : (identityLabels[word] ?? word);
  return {
    client: client.name,
    tenant,
    // Of a scheme of an app's own the app alone is told: what it has for a host anybody can make up.
    host: /^https?:/.test(redirectUri)
      ? new URL(redirectUri).host
      : redirectUri.slice(0, redirectUri.indexOf(":")),
    allows: words.map((scope) => ({ scope, label: labelOf(scope) })),
  };
}

function texts(json: string): string[] {
  const parsed: unknown = JSON.parse(json);
  return Array.isArray(parsed) ? parsed.map(String) : [];
}
