import { accessClaims, credentialOf } from "#gate/authenticate.ts";
import { isOver } from "#gate/ended.ts";
import { enter } from "#gate/enter.ts";
import { knownCaller } from "#http/caller.ts";
import { cameFrom } from "#http/came-from.ts";
import { Refusal } from "#http/outcome.ts";
import { ProtocolAnswer } from "#http/protocol-answer.ts";
import type { RequestContext } from "#http/request-state.ts";
import type { OAuthAnswer } from "./as-client.ts";
import { standingOf } from "./directory.ts";
import type { FormRequest } from "./form.ts";
import { aboutUser } from "./issue.ts";
import { insufficientScope, invalidToken } from "./refusals.ts";

/** OpenID Connect Core, section 5.3: held to its gate as any other request of this token is. */
export async function userinfo(c: RequestContext, { header }: FormRequest): Promise<OAuthAnswer> {
  const [, token] = /^Bearer ([A-Za-z0-9._-]{1,8192})$/i.exec(header("authorization") ?? "") ?? [];
  const claims = token === undefined ? null : await accessClaims(c.env, token);
  const credential = claims && credentialOf(c.env, claims);
  if (!credential) return invalidToken;
  if (claims.client !== undefined || !claims.scope.split(" ").includes("openid")) return insufficientScope;
  const entrance = await enter(c.env, credential, { staleEpoch: null, recheck: false, ...cameFrom(c) });
  if (entrance.outcome === "unknown") return invalidToken;
  const { policy, rate } = entrance;
  if (isOver(credential, policy)) return invalidToken;
  c.get("state").caller = knownCaller(credential, policy.tenantId);
  if (rate.retryAfterSeconds > 0)
    return new Refusal("rate-limited", { retryAfterSeconds: rate.retryAfterSeconds }, []);
  const standing = await standingOf(c, { sessionId: claims.sid, userId: claims.sub });
  if (!standing) return invalidToken;
  return new ProtocolAnswer(200, { sub: claims.sub, ...aboutUser(standing.user, claims.scope.split(" ")) });
}
