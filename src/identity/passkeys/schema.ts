import { z } from "zod";
import { line, told, toldId } from "#http/fields.ts";
import { RecoveryCodes } from "#identity/factors/schema.ts";
import { typeId } from "#lib/typeid.ts";

const base64Url = (maxLength: number) =>
  z
    .string()
    .min(1)
    .max(maxLength)
    .regex(/^[A-Za-z0-9_-]+$/, "is not base64url");

const transports = z.array(line(20).meta({ examples: ["internal"] })).max(10);
const shared = {
  id: base64Url(1400).meta({ examples: ["wPq0m5yYtR8Tn5s6Yk3lZg"] }),
  rawId: base64Url(1400).meta({ examples: ["wPq0m5yYtR8Tn5s6Yk3lZg"] }),
  type: z.literal("public-key"),
};
const clientDataJSON = base64Url(4000).meta({ examples: ["eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0"] });

/** What `PublicKeyCredential.toJSON()` gives (WebAuthn level 3, section 5.1). Members that are not asked for are passed over. */
export const Attestation = z
  .object({
    ...shared,
    response: z.object({
      clientDataJSON,
      attestationObject: base64Url(20_000).meta({ examples: ["o2NmbXRkbm9uZWdhdHRTdG10oA"] }),
      transports: transports.optional(),
    }),
  })
  .meta({ id: "PasskeyAttestation" });
export type Attestation = z.output<typeof Attestation>;

export const Assertion = z
  .object({
    ...shared,
    response: z.object({
      clientDataJSON,
      authenticatorData: base64Url(4000).meta({ examples: ["SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2M"] }),
      signature: base64Url(4000).meta({ examples: ["MEUCIQDx0"] }),
      userHandle: base64Url(200)
        .meta({ examples: ["dXNyXzAx"] })
        .optional(),
    }),
  })
  .meta({ id: "PasskeyAssertion" });
export type Assertion = z.output<typeof Assertion>;

const text = (maxLength: number, example: string) => told(maxLength, example);

export const ProofOptions = z
  .object({
    challenge: text(200, "a2xrXzAx"),
    rpId: text(255, "keyline.example"),
    timeout: z.int(),
    userVerification: z.literal("required"),
  })
  .meta({ id: "PasskeyProofOptions", description: "For `navigator.credentials.get()`." });

export const CreationOptions = z
  .object({
    challenge: text(200, "a2xrXzAx"),
    rp: z.object({ name: text(100, "Keyline"), id: text(255, "keyline.example") }),
    user: z.object({
      id: text(200, "dXNyXzAx"),
      name: text(254, "ada@example.com"),
      displayName: text(200, "Ada"),
    }),
    pubKeyCredParams: z.array(z.object({ type: z.literal("public-key"), alg: z.int() })).max(10),
    timeout: z.int(),
    attestation: z.literal("none"),
    excludeCredentials: z.array(z.object({ id: text(1400, "wPq0"), type: z.literal("public-key") })).max(20),
    authenticatorSelection: z.object({
      residentKey: z.literal("required"),
      requireResidentKey: z.literal(true),
      userVerification: z.literal("required"),
    }),
  })
  .meta({ id: "PasskeyCreationOptions", description: "For `navigator.credentials.create()`." });

export const PasskeyName = line(60).meta({ examples: ["Ada's phone"] });

export const PasskeyId = typeId("psk");

export const AddedPasskey = RecoveryCodes.extend({ id: toldId("psk") }).meta({ id: "AddedPasskey" });
