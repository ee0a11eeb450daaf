import { z } from "zod";
import { isCapability } from "#gate/capabilities.ts";
import { line, stored, Timestamp, told, toldId, toldList } from "#http/fields.ts";
import { typeId } from "#lib/typeid.ts";
import { grantTypes } from "./rules.ts";

export const OAuthClientId = typeId("cli");

const fields = z.object({
  id: toldId("cli"),
  clientId: told(100, "kli_eu1_01jd5r0t6vf3h8k2m4n6p8q0rs_01jd5r0t6vf3h8k2m4n6p8q0rs").meta({
    description: "The client_id of the protocol.",
  }),
  name: told(120, "Route planner"),
  type: z.enum(["public", "confidential"]),
  redirectUris: toldList(told(2048, "https://planner.example/callback"), 20),
  grantTypes: toldList(z.enum(grantTypes), 3),
  scopes: toldList(told(64, "orders:read"), 128),
  creatorId: toldId(),
  lastUsedAt: Timestamp.nullable().meta({ description: "When it last proved itself by its secret." }),
  ...stored,
});

export const OAuthClient = fields.meta({ id: "OAuthClient" });

export const WithClientSecret = fields
  .extend({
    clientSecret: told(200, "kls_live_eu1_01jd5r0t6vf3h8k2m4n6p8q0rs_…").nullable().meta({
      description: "In this one answer and nowhere else; null in a replay, and of a public client.",
    }),
  })
  .meta({ id: "OAuthClientWithSecret" });

const Scope = z
  .string()
  .max(64)
  .refine(isCapability, "is not a capability")
  .meta({ pattern: "^[a-z-]+:[a-z-]+$", examples: ["orders:read"] });
const RedirectUri = z
  .string()
  .max(2048)
  .meta({
    pattern: "^[!-~]+$",
    description: "Compared by its text, but for the port of a loopback address.",
    examples: ["https://planner.example/callback"],
  });

const terms = {
  name: line(120).meta({ examples: ["Route planner"] }),
  redirectUris: z
    .array(RedirectUri)
    .max(20)
    .transform((uris) => [...new Set(uris)]),
  grantTypes: z
    .array(z.enum(grantTypes))
    .min(1)
    .max(3)
    .transform((types) => [...new Set(types)]),
  scopes: z.array(Scope).max(128).meta({ description: "The most that it can be let do, for whomever." }),
};

export const NewOAuthClient = z
  .strictObject({
    ...terms,
    type: z
      .enum(["public", "confidential"])
      .meta({ description: "public: an app or a page, which can keep no secret." }),
    redirectUris: terms.redirectUris.default([]),
  })
  .meta({ id: "NewOAuthClient" });

export const OAuthClientPatch = z
  .strictObject({
    name: terms.name.optional(),
    redirectUris: terms.redirectUris.optional(),
    grantTypes: terms.grantTypes.optional(),
    scopes: terms.scopes.optional(),
  })
  .meta({ id: "OAuthClientPatch" });
