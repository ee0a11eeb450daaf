import { z } from "zod";
import { leaving } from "#gate/leaving.ts";
import { effectOperation } from "#http/operation.ts";
import { commit, Refusal } from "#http/outcome.ts";
import { MemberId } from "./schema.ts";
import { managed } from "./standing.ts";

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
    if (standing instanceof Refusal) return standing;
    const { row } = standing;
    return commit({ memberId: row.id, userId: row.userId }, ...leaving(standing, context.now));
  },
  async perform({ memberships }, { memberId, userId }) {
    await memberships.end(userId, memberId);
  },
  settle: async () => commit(null),
});
