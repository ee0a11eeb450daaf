import { isOver } from "#gate/ended.ts";
import { type Membership, membersOfUser, type Place } from "#gate/members-of-user.ts";
import type { SignedIn } from "#http/account-operation.ts";
import type { Refusal } from "#http/outcome.ts";
import { refuse } from "#http/outcome.ts";
import type { RequestContext } from "#http/request-state.ts";
import { cellOf } from "#platform/cells.ts";
import { type Entered, entered } from "./entered.ts";

/** A user at a tenant that they are a member of. */
export interface MemberRun extends Entered {
  readonly member: Membership;
}

/** A user, in their session, does something at a tenant, as of a client. Who is no member there learns nothing of it. */
export async function asMember<A>(
  c: RequestContext,
  { userId, sessionId }: SignedIn,
  { cell: cellId, tenantId }: Place,
  work: (run: MemberRun) => Promise<A | Refusal>,
): Promise<A | Refusal> {
  const cell = cellOf(c.env, cellId);
  const [member] = cell ? await membersOfUser(c.env, [{ tenantId, cell: cellId }], userId) : [];
  if (!cell || !member) return refuse("not-found");
  const credential = {
    kind: "member" as const,
    principalId: member.memberId,
    cell,
    tenantId,
    secretHash: null,
    scope: null,
    // The session that asks for it was held to what it asks by its own door.
    provedAtSeconds: null,
    by: null,
    endsWith: [sessionId],
    issuedAtSeconds: null,
    outside: null,
  };
  return await entered<A | Refusal>(
    c,
    credential,
    (policy) => (policy === null || isOver(credential, policy) ? refuse("unauthorized") : null),
    (inside) => work({ ...inside, member }),
  );
}
