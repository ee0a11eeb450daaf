import { z } from "zod";
import { mostLocations } from "#gate/giving.ts";
import { customRole } from "#gate/rights.ts";
import { roles } from "#gate/roles.ts";
import { AccountEmail, personal, stored, Timestamp, told, toldId, toldList } from "#http/fields.ts";
import { dayMs } from "#lib/time.ts";
import { typeId } from "#lib/typeid.ts";
import { Capabilities, GivenRole, ToldCapabilities } from "#resources/members/schema.ts";

/** How long a link can be accepted. */
export const invitationLivesMs = 7 * dayMs;
export const mostAtOnce = 200;
/** How many mails. */
export const mostADay = 100;
/** How often one is sent, the first time included. */
export const mostSends = 5;

export const InvitationId = typeId("inv");

const fixed = Object.keys(roles).filter((name): name is keyof typeof roles => Object.hasOwn(roles, name));

export const Invitation = z
  .object({
    id: toldId("inv"),
    email: personal(told(254, "ada@harbour.example"), "email"),
    role: z.enum([...fixed, customRole]),
    roleId: toldId("rol").nullable(),
    grants: ToldCapabilities,
    denials: ToldCapabilities,
    allLocations: z.boolean().meta({ description: "False: at these locations alone." }),
    locationIds: toldList(toldId("loc"), mostLocations),
    inviterId: told(40, "mbr_01jd5r0t6vf3h8k2m4n6p8q0rs").meta({
      description: "The member or key that answers for it: it is void once they could not give all of this.",
    }),
    state: z.enum(["open", "expired"]).meta({
      description: "An expired one can be sent again for 30 days. One that was accepted or revoked is gone.",
    }),
    timesSent: z.int().min(1).max(mostSends),
    expiresAt: Timestamp,
    ...stored,
  })
  .meta({ id: "Invitation" });

export const NewInvitation = z
  .strictObject({
    email: AccountEmail,
    role: GivenRole.optional(),
    roleId: typeId("rol")
      .optional()
      .meta({ description: "One of the business's own roles, instead of `role`." }),
    grants: Capabilities.default([]),
    denials: Capabilities.default([]),
    allLocations: z.boolean().default(false),
    locationIds: z.array(typeId("loc")).max(mostLocations).default([]),
  })
  .refine(({ role, roleId }) => (role === undefined) !== (roleId === undefined), {
    path: ["role"],
    message: "is named, or roleId instead",
  })
  .refine(({ allLocations, locationIds }) => allLocations !== locationIds.length > 0, {
    path: ["locationIds"],
    message: "are named, or allLocations is true instead",
  })
  .meta({ id: "NewInvitation" });
