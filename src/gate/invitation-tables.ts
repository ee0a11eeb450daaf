import { integer, text } from "drizzle-orm/sqlite-core";
import { digest, internal, location, open, places, secret, tenantTable } from "#db/tenant-table.ts";
import { normaliseEmail } from "#lib/normalise.ts";

/**
 * Somebody who is asked to become a member, and as what. The address is nobody's of this tenant yet: the tenant's own key
 * seals it, no audit row copies it, and with the row it is gone.
 */
export const invitations = tenantTable(
  "invitations",
  {
    email: secret(text("email").notNull()),
    emailToken: digest(text("email_token")),
    /** One of the fixed roles, or "custom" beside `roleId`. */
    role: open(text("role").notNull()),
    roleId: open(text("role_id")),
    grants: open(text("grants").notNull()),
    denials: open(text("denials").notNull()),
    allLocations: open(integer("all_locations").notNull()),
    /** Who answers for it: they must still be able to give all of it when it is accepted. */
    inviterId: open(text("inviter_id").notNull()),
    /** Which of its links was sent last: those of before open nothing. */
    turn: internal(integer("turn").notNull()),
    expiresAt: open(text("expires_at").notNull()),
  },
  {
    entity: "invitation",
    scope: places(() => invitationLocations, "invitationId"),
    exact: { emailToken: { from: "email", normalise: normaliseEmail } },
  },
);

export const invitationLocations = tenantTable(
  "invitation_locations",
  {
    invitationId: open(text("invitation_id").notNull()),
    locationId: open(text("location_id").notNull()),
  },
  { entity: "invitation-location", scope: location("locationId") },
);
