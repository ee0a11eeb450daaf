import { z } from "zod";
import { update as change, remove as deletion, emit } from "#db/changes.ts";
import { endGrantsOf } from "#db/oauth-grants.ts";
import { noCapabilities } from "#gate/capabilities.ts";
import { memberLocations, members, oauthConsents } from "#gate/tables.ts";
import { effectOperation, type TenantContext } from "#http/operation.ts";
import { commit, Refusal } from "#http/outcome.ts";
import { timestamp } from "#lib/time.ts";
import { MemberId } from "./schema.ts";
import { managed, notTheLastOwner, type Standing } from "./standing.ts";

const params = z.object({ memberId: MemberId });
const resumeAfterSeconds = 120;
const intent = z.object({ memberId: MemberId, userId: z.string() });

// The cell is the truth and changed first; the directory's pointer, by which a user finds their businesses, follows it.

export const remove = effectOperation({
  mount: "tenant",
  method: "delete",
  path: "/members/{memberId}",
  summary: "Remove a member for good: they may do nothing here from their next request on",
  can: "members:write",
  recordRefusal: true,
  store: "cell",
  params,
  returns: z.null(),
  status: 204,
  problems: ["not-found", "forbidden", "member-above-you", "last-owner", "conflict", "precondition-failed"],
  intent,
  resumeAfterSeconds,
  async intend(context, { params }) {
    const standing = await managed(context, params.memberId);
    return standing instanceof Refusal ? standing : ended(context, standing);
  },
  async perform({ memberships }, { memberId, userId }) {
    await memberships.end(userId, memberId);
  },
  settle: async () => commit(null),
});

/** What they were given is taken from them, so that whoever comes back begins anew. */
function ended({ principal, now }: Pick<TenantContext, "principal" | "now">, standing: Standing) {
  const { row, places, consents } = standing;
  const gone = {
    state: "suspended" as const,
    removedAt: timestamp(now),
    roleId: null,
    grants: noCapabilities,
    denials: noCapabilities,
  };
  return commit(
    { memberId: row.id, userId: row.userId },
    ...notTheLastOwner(standing),
    change(members, row, gone, now),
    ...places.map((place) => deletion(memberLocations, place)),
    ...consents.map((consent) => deletion(oauthConsents, consent)),
    ...endGrantsOf(principal.tenantId, { memberId: row.id }, "member-removed", now),
    emit("member.removed", { memberId: row.id }, { table: members, row }),
  );
}
