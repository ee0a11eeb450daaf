import { z } from "zod";
import { update as change, emit } from "#db/changes.ts";
import { one } from "#db/queries.ts";
import { isSubset, maskOf, noCapabilities } from "#gate/capabilities.ts";
import { roles } from "#gate/roles.ts";
import { members } from "#gate/tables.ts";
import { isLimited } from "#http/limited.ts";
import { writeOperation } from "#http/operation.ts";
import { commit, refuse } from "#http/outcome.ts";
import { Member, MemberId } from "./schema.ts";
import { presentMember } from "./standing.ts";

/** By whoever may do all that an owner may; in whose place, a member says, who is one. */
export const transferOwnership = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/members/{memberId}/ownership",
  summary: "Make another member an owner, in your place or beside you",
  can: "tenant:delete",
  recordRefusal: true,
  store: "cell",
  params: z.object({ memberId: MemberId }),
  body: z
    .strictObject({
      keepsOwn: z.boolean().default(false).meta({ description: "False: you are an admin from then on." }),
    })
    .meta({ id: "OwnershipTransfer" }),
  returns: Member,
  problems: ["not-found", "forbidden", "conflict", "precondition-failed"],
  async run({ tenant, principal, now }, { params, body: { keepsOwn } }) {
    const { mine, theirs } = await tenant.read({
      mine: one(members, principal.id),
      theirs: one(members, params.memberId),
    });
    if (!theirs || theirs.removedAt !== null) return refuse("not-found");
    // Owners are of all places: who is held to some makes none.
    if (!isSubset(maskOf(roles.owner.capabilities), principal.capabilities) || isLimited(principal))
      return refuse("forbidden");
    if (theirs.id === principal.id || theirs.state !== "active" || (!keepsOwn && mine?.role !== "owner"))
      return refuse("forbidden");
    const whole = {
      role: "owner",
      roleId: null,
      grants: noCapabilities,
      denials: noCapabilities,
      allLocations: 1,
    };
    const owner = change(members, theirs, whole, now);
    return commit(
      presentMember(owner.row, []),
      owner,
      ...(keepsOwn || !mine ? [] : [change(members, mine, { role: "admin" }, now)]),
      emit(
        "member.ownership_transferred",
        { memberId: theirs.id, keepsOwn },
        { table: members, row: theirs },
      ),
    );
  },
});
