import { z } from "zod";
import { line, prose, stored } from "#http/fields.ts";
import { normaliseEmail, normalisePhone } from "#lib/normalise.ts";
import { typeId } from "#lib/typeid.ts";

export const CustomerId = typeId("cus");

export const Customer = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string().nullable(),
  phone: z.string().nullable(),
  note: z.string().nullable(),
  deletedAt: z.string().nullable(),
  ...stored,
});

const Email = line(254).refine((text) => normaliseEmail(text) !== null, "is not an e-mail address");
const Phone = line(40).refine(
  (text) => normalisePhone(text) !== null,
  "is not a phone number with its country code",
);

export const NewCustomer = z.strictObject({
  name: line(200),
  email: Email.nullish(),
  phone: Phone.nullish(),
  note: prose(4000).nullish(),
});

export const CustomerPatch = z.strictObject({
  name: line(200).optional(),
  email: Email.nullish(),
  phone: Phone.nullish(),
  note: prose(4000).nullish(),
});

const paging = { limit: z.int().min(1).max(100).default(20), cursor: z.string().max(500).optional() };

/** Exactly one of name (words or their beginnings), email or phone (exact); in a body, as personal data is never in a URL. */
export const CustomerSearch = z.union([
  z.strictObject({ name: line(200), ...paging }),
  z.strictObject({ email: line(254), ...paging }),
  z.strictObject({ phone: line(40), ...paging }),
]);
