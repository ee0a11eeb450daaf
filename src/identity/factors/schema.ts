import { z } from "zod";
import { Timestamp, told, toldId, toldList } from "#http/fields.ts";
import { Passkeys } from "#identity/passkeys/passkey-schema.ts";
import { Tokens } from "#identity/sessions/schema.ts";
import { masked } from "#identity/sms/schema.ts";
import { typeId } from "#lib/typeid.ts";

export const RecoveryCode = z
  .string()
  .min(1)
  .max(64)
  .meta({ examples: ["k7mpq-x2vwz"], format: "password" });

const codes = toldList(told(11, "k7mpq-x2vwz"), 10);

export const RecoveryCodes = z
  .object({
    recoveryCodes: codes.nullable().meta({
      description:
        "Shown once: each lets its owner in without the second factor. Null: those before go on, or it is a replay.",
    }),
  })
  .meta({ id: "RecoveryCodes" });

export const RecoveredTokens = Tokens.extend({
  recoveryCodes: codes.meta({ description: "A fresh set, shown once. All codes from before are dead." }),
}).meta({ id: "RecoveredTokens" });

export const NewTotp = z
  .object({
    id: toldId("tot"),
    secret: told(64, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").nullable().meta({
      description: "Base32, for typing in by hand; null in a replay, as are the other two.",
    }),
    uri: told(
      1000,
      "otpauth://totp/Keyline:ada%40example.com?secret=GEZDGNBVGY3TQOJQ&issuer=Keyline",
    ).nullable(),
    qrSvg: z
      .string()
      .meta({
        maxLength: 100_000,
        pattern: "^<svg [^\\u0000-\\u0009\\u000B-\\u001F]*</svg>$",
        examples: ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 45 45"></svg>'],
      })
      .nullable()
      .meta({ description: "The same as a QR code: an image that needs no script." }),
  })
  .meta({ id: "NewTotp" });

export const TotpId = typeId("tot");

export const FactorList = z
  .object({
    totp: z.object({ id: toldId("tot"), createdAt: Timestamp }).nullable(),
    passkeys: Passkeys,
    sms: z.object({ number: masked, createdAt: Timestamp }).nullable(),
    recoveryCodes: z
      .object({ createdAt: Timestamp })
      .nullable()
      .meta({ description: "Since when the present set." }),
  })
  .meta({ id: "Factors" });
