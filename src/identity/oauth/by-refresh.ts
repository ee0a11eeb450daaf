import { grantOf } from "#db/oauth-grants.ts";
import type { RequestContext } from "#http/request-state.ts";
import { asClient, type ClientRun, type OAuthAnswer } from "./as-client.ts";
import type { ClientClaim } from "./client-claim.ts";
import { grantStanding, portsOf } from "./directory.ts";
import type { Form } from "./form.ts";
import { grantEnd, hasExpired, refreshes, tokensOf } from "./issue.ts";
import { invalidGrant, refused } from "./refusals.ts";
import { wordsOf } from "./scope.ts";
import { endGrant, mostTries, takeTurn } from "./take-turn.ts";

/** RFC 6749 section 6, RFC 9700 section 4.14.2: each is taken once, and one that comes again ends its grant. */
export async function byRefresh(c: RequestContext, claim: ClientClaim, form: Form): Promise<OAuthAnswer> {
  const text = form.get("refresh_token");
  if (text === undefined) return refused("invalid_request", "There is no refresh_token.");
  const named = await (await portsOf(c)).readToken("client-refresh", text);
  return await asClient(
    c,
    claim,
    async (run) => (named ? await refresh(run, named.id, named.turn, form.get("scope")) : invalidGrant),
    () => (named ? null : invalidGrant),
  );
}

async function refresh(
  client: ClientRun,
  grantId: string,
  turn: number,
  asked: string | undefined,
  tries = 1,
): Promise<OAuthAnswer> {
  const { c, claim, run } = client;
  if (!refreshes(client)) return refused("unauthorized_client", "The client is not let in by refresh_token.");
  const { grant } = await run.session.read({ grant: grantOf(claim.place.id, grantId) });
  if (grant?.state !== "active" || turn > grant.generation || hasExpired(grant, run.now)) return invalidGrant;
  if (turn < grant.generation) {
    await endGrant(run, grant, "refresh-reused");
    return invalidGrant;
  }
  const granted = grant.scope.split(" ");
  const words = asked === undefined ? granted : wordsOf(asked);
  if (!words?.every((each) => granted.includes(each)))
    return refused("invalid_scope", "It is none, or more than was granted.");
  const standing = await grantStanding(c, grant);
  if (!standing) return invalidGrant;
  if (!(await takeTurn(run, grant, grantEnd(client, standing))))
    return tries < mostTries ? await refresh(client, grantId, turn, asked, tries + 1) : invalidGrant;
  return await tokensOf(client, grant, standing, words, null);
}
