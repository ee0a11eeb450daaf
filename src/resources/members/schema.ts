import { z } from "zod";
import { isCapability } from "#gate/capabilities.ts";
import { mostLocations } from "#gate/giving.ts";
import { customRole } from "#gate/rights.ts";
import { roles } from "#gate/roles.ts";
import { personal, stored, Timestamp, told, toldId, toldList } from "#http/fields.ts";
import { typeId } from "#lib/typeid.ts";

export const MemberId = typeId("mbr");

export const CapabilityName = z
  .string()
  .max(64)
  .refine(isCapability, "is not a capability")
  .meta({ pattern: "^[a-z-]+:[a-z-]+$", examples: ["orders:read"] });

export const Capabilities = z.array(CapabilityName).max(128);
export const ToldCapabilities = toldList(told(64, "orders:read"), 128);

const fixed = Object.keys(roles).filter((name): name is keyof typeof roles => Object.hasOwn(roles, name));
/** Owners are made by owners in person, and by nothing else. */
export const GivenRole = z
  .enum(fixed)
  .exclude(["owner"])
  .meta({ examples: ["staff"] });

export const Member = z
  .object({
    id: toldId("mbr"),
    name: personal(told(200, "Ada Lovelace")).nullable().meta({
      description: "As their account has it, a minute behind at most; null where it was never told.",
    }),
    email: personal(told(320, "ada@harbour.example"), "email").nullable(),
    role: z
      .enum([...fixed, customRole])
      .meta({ description: "`custom`: the one of the business's own that `roleId` names." }),
    roleId: toldId("rol").nullable(),
    grants: ToldCapabilities.meta({ description: "What they may do besides their role." }),
    denials: ToldCapabilities.meta({ description: "What they may not do, whatever grants it." }),
    allLocations: z.boolean().meta({ description: "False: at these locations alone." }),
    locationIds: toldList(toldId("loc"), mostLocations).meta({
      description: "Where they are, as far as you may see it.",
    }),
    state: z.enum(["active", "suspended"]),
    removedAt: Timestamp.nullable().meta({ description: "Since when they are no member any more." }),
    ...stored,
  })
  .meta({ id: "Member" });

export const MemberPatch = z
  .strictObject({
    role: GivenRole.optional(),
    roleId: typeId("rol")
      .optional()
      .meta({ description: "One of the business's own roles, instead of `role`." }),
    grants: Capabilities.optional(),
    denials: Capabilities.optional(),
    allLocations: z.boolean().optional(),
    locationIds: z
      .array(typeId("loc"))
      .max(mostLocations)
      .optional()
      .meta({ description: "All of them: what is not listed is taken away." }),
  })
  .refine(({ role, roleId }) => role === undefined || roleId === undefined, {
    path: ["roleId"],
    message: "stands instead of a role, not beside it",
  })
  .meta({ id: "MemberPatch" });
