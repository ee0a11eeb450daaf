import { z } from "zod";
import { update as change, emit } from "#db/changes.ts";
import { notTheLastOwner } from "#gate/leaving.ts";
import { members } from "#gate/tables.ts";
import { writeOperation } from "#http/operation.ts";
import { commit, Refusal } from "#http/outcome.ts";
import { Member, MemberId } from "./schema.ts";
import { managed, presentMember } from "./standing.ts";

const params = z.object({ memberId: MemberId });

export const suspend = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/members/{memberId}/suspend",
  summary: "Let a member do nothing here until they are reinstated; it holds from their next request on",
  can: "members:write",
  recordRefusal: true,
  store: "cell",
  params,
  returns: Member,
  problems: ["not-found", "forbidden", "member-above-you", "last-owner", "conflict", "precondition-failed"],
  async run(context, { params }) {
    const standing = await managed(context, params.memberId);
    if (standing instanceof Refusal) return standing;
    const { row, places } = standing;
    if (row.state === "suspended") return commit(presentMember(row, places));
    const changed = change(members, row, { state: "suspended" }, context.now);
    return commit(
      presentMember(changed.row, places),
      ...notTheLastOwner(standing),
      changed,
      emit("member.suspended", { memberId: row.id }, { table: members, row }),
    );
  },
});

export const reinstate = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/members/{memberId}/reinstate",
  summary: "Let a suspended member do again what they were given",
  can: "members:write",
  recordRefusal: true,
  store: "cell",
  params,
  returns: Member,
  problems: ["not-found", "forbidden", "member-above-you", "conflict", "precondition-failed"],
  async run(context, { params }) {
    const standing = await managed(context, params.memberId);
    if (standing instanceof Refusal) return standing;
    const { row, places } = standing;
    if (row.state === "active") return commit(presentMember(row, places));
    const changed = change(members, row, { state: "active" }, context.now);
    return commit(
      presentMember(changed.row, places),
      changed,
      emit("member.reinstated", { memberId: row.id }, { table: members, row }),
    );
  },
});
