import { z } from "zod";
import { stored, Timestamp, told, toldId, toldList, toldProse } from "#http/fields.ts";
import { shareableFields, waysObtained } from "./rules.ts";

const Field = z.enum(shareableFields);

export const CustomerConsent = z
  .object({
    customerId: toldId("cus"),
    fields: toldList(Field, shareableFields.length).meta({ examples: [["name", "allergens"]] }),
    obtained: z.enum(waysObtained),
    givenAt: Timestamp,
    ...stored,
  })
  .meta({ id: "CustomerConsent" });

export const ConsentGiven = z
  .strictObject({
    fields: z
      .array(Field)
      .min(1)
      .max(shareableFields.length)
      .meta({
        description:
          "All that may be shared from now on, in place of what was agreed before. `allergens` and `needs` ask for the capability customers:sensitive as well.",
        examples: [["name", "allergens"]],
      }),
    obtained: z
      .enum(waysObtained)
      .meta({ description: "How the customer said so; stands in the audit.", examples: ["in-person"] }),
  })
  .meta({ id: "ConsentGiven" });

export const SharedProfiles = z
  .object({
    data: toldList(
      z.object({
        venue: z.object({ slug: told(64, "harbour-cafe"), name: told(120, "Harbour Café") }),
        fields: toldList(Field, shareableFields.length).meta({
          description: "Those agreed on both sides; the others are absent below.",
          examples: [["name"]],
        }),
        name: told(200, "Ada Lovelace").optional(),
        email: told(254, "ada@example.com").nullable().optional(),
        phone: told(40, "+44 20 7946 0958").nullable().optional(),
        allergens: toldList(told(100, "peanuts"), 50).nullable().optional(),
        needs: toldProse(2000, "Vegetarian.").nullable().optional(),
      }),
      10,
    )
      .nullable()
      .meta({
        description:
          "Empty for a stranger and without consent alike. null in a replay, as it is not kept: ask anew.",
      }),
  })
  .meta({ id: "SharedProfiles" });
