import { z } from "zod";
import { line, prose, stored, told, toldId, toldList, toldProse } from "#http/fields.ts";

/** The fields that nothing but a reveal answers. */
export const dietaryFields = ["allergens", "needs"] as const;

const allergensMeaning = "An empty list: asked, and there are none. null: nobody has asked.";

/** What a write answers: that it was kept, without what. */
export const DietaryReceipt = z
  .object({
    customerId: toldId("cus"),
    recorded: toldList(z.enum(dietaryFields), dietaryFields.length).meta({
      description: "The fields that hold something.",
      examples: [["allergens"]],
    }),
    ...stored,
  })
  .meta({ id: "DietaryReceipt" });

export const RevealedDietary = z
  .object({
    customerId: toldId("cus"),
    dietary: z
      .object({
        allergens: toldList(told(100, "peanuts"), 50).nullable().meta({ description: allergensMeaning }),
        needs: toldProse(2000, "Vegetarian.").nullable(),
        ...stored,
      })
      .nullable()
      .meta({ description: "null where nothing is recorded." }),
  })
  .meta({ id: "RevealedDietary" });

export const DietaryPatch = z
  .strictObject({
    allergens: z
      .array(line(100).meta({ examples: ["peanuts"] }))
      .max(50)
      .nullish()
      .meta({ description: allergensMeaning }),
    needs: prose(2000)
      .meta({ examples: ["Vegetarian."] })
      .nullish(),
  })
  .meta({ id: "DietaryPatch" });

/** A closed list: it stands in the audit in plain, where a sentence of somebody's could tell of the customer. */
const revealReasons = ["booking", "order", "service", "customer-asked", "emergency"] as const;

export const DietaryReveal = z
  .strictObject({
    reason: z
      .enum(revealReasons)
      .optional()
      .meta({ description: "Stands in the audit row.", examples: ["service"] }),
  })
  .meta({ id: "DietaryReveal" });

const Allergens = z.array(z.string());

/** From how they are stored; null where nobody has asked. */
export function allergensOf({ allergens }: { readonly allergens: string | null }): string[] | null {
  return allergens === null ? null : Allergens.parse(JSON.parse(allergens));
}
