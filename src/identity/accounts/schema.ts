import { z } from "zod";
import { Timestamp, told, toldId, toldList } from "#http/fields.ts";

/** As it was typed: the rules say what is amiss with it, and nothing is cut off. */
export const NewPassword = z
  .string()
  .min(1)
  .max(1000)
  .meta({
    format: "password",
    description: "12 to 128 characters, none of the commonest and none that was found in a breach.",
    examples: ["four quiet lanterns drift"],
  });

/** One that somebody claims to have. */
export const GivenPassword = z.string().min(1).max(1000).meta({ format: "password" });

export const User = z
  .object({
    id: toldId("usr"),
    name: told(200, "Ada Lovelace"),
    email: told(254, "ada@example.com"),
    emailVerifiedAt: Timestamp.nullable(),
    hasPassword: z.boolean().meta({
      description: "False for whoever signs in by another issuer, and has chosen none yet.",
    }),
    createdAt: Timestamp,
  })
  .meta({ id: "User" });

export const Memberships = z
  .object({
    data: toldList(
      z
        .object({
          tenantId: toldId("ten"),
          slug: told(64, "harbour-cafe"),
          name: told(120, "Harbour Café"),
          cell: told(16, "eu1"),
          memberId: toldId("mbr"),
          role: told(40, "owner"),
          allowsSms: z.boolean().meta({ description: "Whether codes by SMS are a second factor there." }),
        })
        .meta({ id: "UserMembership" }),
      100,
    ),
  })
  .meta({ id: "UserMemberships" });
