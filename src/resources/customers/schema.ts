import { z } from "zod";
import { line, personal, prose, stored, Timestamp, told, toldId, toldProse } from "#http/fields.ts";
import { Cursor } from "#http/page.ts";
import { normaliseEmail, normalisePhone } from "#lib/normalise.ts";
import { typeId } from "#lib/typeid.ts";

export const CustomerId = typeId("cus");

export const Customer = z
  .object({
    id: toldId("cus"),
    name: personal(told(200, "Ada Lovelace")),
    email: personal(told(254, "ada@example.com"), "email").nullable(),
    phone: personal(told(40, "+44 20 7946 0958")).nullable(),
    note: personal(toldProse(4000, "Calls ahead.")).nullable(),
    deletedAt: Timestamp.nullable().meta({
      description: "Set while the customer is deleted and can be restored.",
      examples: [null],
    }),
    ...stored,
  })
  .meta({
    id: "Customer",
    description:
      "Of a person whose data was destroyed, the name reads `[erased]` and the other personal fields are null.",
  });

const Email = line(254)
  .refine((text) => normaliseEmail(text) !== null, "is not an e-mail address")
  .meta({ examples: ["ada@example.com"] });
const Phone = line(40)
  .refine((text) => normalisePhone(text) !== null, "is not a phone number with its country code")
  .meta({ examples: ["+44 20 7946 0958"] });

export const NewCustomer = z
  .strictObject({
    name: line(200).meta({ examples: ["Ada Lovelace"] }),
    email: Email.nullish(),
    phone: Phone.nullish(),
    note: prose(4000).nullish(),
  })
  .meta({ id: "NewCustomer" });

export const CustomerPatch = z
  .strictObject({
    name: line(200)
      .meta({ examples: ["Ada Lovelace"] })
      .optional(),
    email: Email.nullish(),
    phone: Phone.nullish(),
    note: prose(4000).nullish(),
  })
  .meta({ id: "CustomerPatch" });

const paging = { limit: z.int().min(1).max(100).default(20), cursor: Cursor.optional() };

/** Exactly one of name (words or their beginnings), email or phone (exact); in a body, as personal data is never in a URL. */
export const CustomerSearch = z
  .union([
    z.strictObject({ name: line(200), ...paging }),
    z.strictObject({ email: line(254), ...paging }),
    z.strictObject({ phone: line(40), ...paging }),
  ])
  .meta({ id: "CustomerSearch" });
