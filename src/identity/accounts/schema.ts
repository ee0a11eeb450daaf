import { z } from "zod";
import { line, Timestamp, told, toldId, toldList } from "#http/fields.ts";
import { accountEmail } from "#lib/email-address.ts";

/**
 * In the one spelling that it is looked up by, so that what is looked up is what is mailed and stored: else a mail for one
 * address could leave for another that merely looks like it.
 */
export const Email = line(254)
  .refine((text) => accountEmail(text) !== null, "is not an e-mail address")
  .transform((text) => accountEmail(text) ?? text)
  .meta({ examples: ["ada@example.com"] });

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
