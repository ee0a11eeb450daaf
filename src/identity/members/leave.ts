import { eq } from "drizzle-orm";
import { z } from "zod";
import { removedMemberOf } from "#db/member-rows.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { many, one, uniqueIndexOf } from "#db/queries.ts";
import { mostConsents, mostLocations } from "#gate/giving.ts";
import { leaving } from "#gate/leaving.ts";
import { membershipsOf } from "#gate/memberships.ts";
import { memberLocations, members, oauthConsents } from "#gate/tables.ts";
import { meReadOperation, type SignedIn } from "#http/account-operation.ts";
import { afterCommit } from "#http/after-commit.ts";
import { commitRun } from "#http/execute.ts";
import { type Refusal, refuse } from "#http/outcome.ts";
import type { RequestContext } from "#http/request-state.ts";
import { refusalOf } from "#http/write.ts";
import { placesOf, tenantsIn, userById } from "#identity/accounts/account-queries.ts";
import { securityAge } from "#identity/factors/security-age.ts";
import { asMember } from "#identity/oauth/as-member.ts";
import { forget, mostTries } from "#identity/oauth/take-turn.ts";
import { typeId } from "#lib/typeid.ts";
import { type Cell, cellOf } from "#platform/cells.ts";
import { systemNow } from "#platform/clock.ts";

export const leave = meReadOperation({
  mount: "me",
  method: "delete",
  path: "/tenants/{tenantId}",
  summary: "Leave a business, for good; it holds from your next request on",
  store: "directory",
  provedWithinSeconds: securityAge,
  params: z.object({ tenantId: typeId("ten") }),
  returns: z.null(),
  status: 204,
  problems: ["not-found", "last-owner", "tenant-suspended"],
  async run({ directory, accounts, user }, { params }) {
    const { found } = await directory.read({ found: tenantsIn(userById(user.userId)) });
    const place = placesOf(found).find(({ tenantId }) => tenantId === params.tenantId);
    return place ? await accounts.leave(user, place) : refuse("not-found");
  },
});

/** The cell is the truth and changed first; where the directory's pointer outlives it, asking again takes it away. */
export async function leaveTenant(
  c: RequestContext,
  user: SignedIn,
  place: { readonly tenantId: string; readonly cell: string },
  tries = 1,
): Promise<Refusal | null> {
  const left = await asMember<null>(c, user, place, async ({ run, member: { memberId } }) => {
    const { row, places, consents } = await run.session.read({
      row: one(members, memberId),
      places: many(memberLocations, {
        ...uniqueIndexOf(memberLocations),
        where: eq(memberLocations.memberId, memberId),
        limit: mostLocations,
      }),
      consents: many(oauthConsents, {
        ...uniqueIndexOf(oauthConsents),
        where: eq(oauthConsents.memberId, memberId),
        limit: mostConsents,
      }),
    });
    if (!row) return refuse("not-found");
    const changes = leaving({ row, places, consents }, run.now);
    const outcome = await commitRun(run, run.session, changes, { record: null, intent: null });
    if (outcome.kind === "refused") return refusalOf(outcome.refusal);
    if (outcome.kind === "lost")
      return tries < mostTries ? await leaveTenant(c, user, place, tries + 1) : refuse("unavailable");
    const { cell } = run.caller;
    c.executionCtx.waitUntil(afterCommit(c.env, cell, place.tenantId, changes));
    await forget(run, memberId);
    await endPointer(c, cell, place.tenantId, user.userId, memberId);
    return null;
  });
  return left === null || left.problem !== "not-found" ? left : await leftBefore(c, user, place);
}

// Who is no member any more, and of whom the directory was not told: as where this died between the two.
async function leftBefore(
  c: RequestContext,
  { userId }: SignedIn,
  { tenantId, cell: cellId }: { readonly tenantId: string; readonly cell: string },
): Promise<Refusal | null> {
  const cell = cellOf(c.env, cellId);
  if (!cell) return refuse("not-found");
  const { memberId } = await keylessSession(cell.database, tenantId).read({
    memberId: removedMemberOf(userId),
  });
  if (memberId === null) return refuse("not-found");
  await endPointer(c, cell, tenantId, userId, memberId);
  return null;
}

async function endPointer(
  c: RequestContext,
  cell: Cell,
  tenantId: string,
  userId: string,
  memberId: string,
): Promise<void> {
  const by = { job: "me.leave", requestId: c.get("state").requestId, now: systemNow() };
  await membershipsOf(c.env, cell, tenantId, by).end(userId, memberId);
}
