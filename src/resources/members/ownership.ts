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

export const transferOwnership = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/members/{memberId}/ownership",
  summary: "Make another member an owner, in your place or beside you",
  can: "tenant:delete",
  inPerson: true,
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
    // Who is one in name, and held to less by their token, makes none.
    if (mine?.role !== "owner" || !isSubset(maskOf(roles.owner.capabilities), principal.capabilities))
      return refuse("forbidden");
    // Owners are of all places: who is held to some makes none.
    if (isLimited(principal) || theirs.id === mine.id || theirs.state !== "active")
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
      ...(keepsOwn ? [] : [change(members, mine, { role: "admin" }, now)]),
      emit(
        "member.ownership_transferred",
        { memberId: theirs.id, keepsOwn },
        { table: members, row: theirs },
      ),
    );
  },
});
