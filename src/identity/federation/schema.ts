import { z } from "zod";
import { Timestamp, told, toldId, toldList } from "#http/fields.ts";
import { TokenText } from "#identity/sessions/schema.ts";

const longestAnswer = 16_384;

export const ProviderName = z
  .string()
  .max(32)
  .regex(/^[a-z][a-z0-9-]{0,31}$/, "is no provider's name")
  .meta({ description: "As the deployment names it.", examples: ["google"] });

/** A provider's name, or the reference of a business's connection. */
export const SourceName = z
  .string()
  .max(100)
  .regex(/^[a-z][a-z0-9_-]{0,99}$/, "is neither a provider's name nor a connection's")
  .meta({ examples: ["google"] });

/** What a browser brings back from an issuer, with what it was sent there with. */
export const FlowAnswer = z
  .strictObject({
    flow: TokenText.meta({ description: "As it was answered when this began." }),
    source: SourceName,
    parameters: z
      .string()
      .max(longestAnswer)
      .meta({
        pattern: "^[!-~]*$",
        description: "The query, or the form, that the issuer sent the browser back with, as it was.",
        examples: ["code=SplxlOBeZQQYbYS6WxSbIA&state=xyz"],
      }),
  })
  .meta({ id: "FederatedAnswer" });

export const FlowBegun = z
  .object({
    flow: z.string().meta({
      maxLength: 80,
      pattern: "^klf_[0-9a-z_]+$",
      description: "The browser keeps it until it comes back: no other browser's answer fits it.",
      examples: ["klf_01jd5r0t6vf3h8k2m4n6p8q0rs_0_7n4x9q2m5k8w3v6b1z0c4h7j2p5t8r3d"],
    }),
    source: told(100, "google"),
    label: told(255, "Google"),
    authorizationUrl: z.string().meta({
      maxLength: 8192,
      format: "uri",
      examples: ["https://accounts.google.com/o/oauth2/v2/auth?response_type=code"],
    }),
    isFormPost: z.boolean().meta({ description: "The answer comes as a form from the issuer's own page." }),
  })
  .meta({ id: "FederatedSignInBegun" });

export const Providers = z
  .object({
    data: toldList(
      z.object({ name: told(32, "google"), label: told(255, "Google") }).meta({ id: "SignInProvider" }),
      20,
    ),
  })
  .meta({ id: "SignInProviders" });

export const Identities = z
  .object({
    data: toldList(
      z
        .object({
          id: toldId("fid"),
          source: told(100, "google"),
          label: told(255, "Google"),
          issuer: told(255, "https://accounts.google.com"),
          connectedAt: Timestamp,
          lastUsedAt: Timestamp,
        })
        .meta({ id: "ConnectedIdentity" }),
      100,
    ),
  })
  .meta({ id: "ConnectedIdentities" });

export const SsoFound = z
  .object({
    source: z.string().meta({
      maxLength: 100,
      pattern: "^klx_[0-9a-z_]+$",
      examples: ["klx_eu1_01jd5r0t6vf3h8k2m4n6p8q0rs_01jd5r0t6vf3h8k2m4n6p8q0rs"],
    }),
  })
  .meta({ id: "SsoFound" });
