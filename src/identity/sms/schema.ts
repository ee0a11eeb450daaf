import { z } from "zod";
import { line, told } from "#http/fields.ts";
import { normalisePhone } from "#lib/normalise.ts";

/** A number with its country code, in the one spelling of E.164. */
export const PhoneNumber = line(40)
  .refine((text) => normalisePhone(text) !== null, "is not a phone number with its country code")
  .transform((text) => normalisePhone(text) ?? "")
  .meta({ examples: ["+31 6 1234 5678"] });

export const masked = told(10, "•••• 47");

export const CodeSent = z
  .object({
    sentTo: masked.meta({ description: "The last digits of the number that the code is on its way to." }),
    expiresInSeconds: z.int().meta({ examples: [300] }),
  })
  .meta({ id: "SmsCodeSent" });
