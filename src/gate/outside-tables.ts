import { integer, text } from "drizzle-orm/sqlite-core";
import { internal, none, open, tenantTable } from "#db/tenant-table.ts";

/** An organization of an outside issuer that this tenant is. Once ended, no token of it is taken here any more. */
export const outsideOrganizations = tenantTable(
  "outside_organizations",
  {
    issuer: open(text("issuer").notNull()),
    organization: open(text("organization").notNull()),
    state: open(text("state", { enum: ["linked", "ended"] }).notNull()),
  },
  { entity: "outside-organization", scope: none("it is the tenant's, not a location's"), movesEpoch: true },
);

/**
 * What an outside issuer last said of one person in one organization. A token of theirs counts only while this row is
 * active. Removed is final for its membership, ended for the person.
 */
export const outsideMembers = tenantTable(
  "outside_members",
  {
    organizationId: open(text("organization_id").notNull()),
    identityId: internal(text("identity_id").notNull()),
    /** null while there is no member: the role is mapped to none, or the removal came first. */
    memberId: open(text("member_id")),
    state: open(text("state", { enum: ["active", "removed", "ended"] }).notNull()),
    /** The issuer's own id of the membership: who joins again has another. */
    membership: internal(text("membership")),
    /** The issuer's name of the role. */
    role: open(text("role")),
    joinedMs: internal(integer("joined_ms").notNull()),
    changedMs: internal(integer("changed_ms").notNull()),
    /** 1: the member is of the issuer's making, and follows it. 0: an operator linked one that was there before. */
    followsIssuer: internal(integer("follows_issuer").notNull()),
    /** 1: the member is suspended because of this row, and active again with it. */
    suspendsMember: internal(integer("suspends_member").notNull()),
  },
  {
    entity: "outside-member",
    scope: none("members are the tenant's; whoever reads members reads this"),
    movesEpoch: true,
  },
);
