import { z } from "zod";
import { line, stored, Timestamp, told, toldId } from "#http/fields.ts";
import { normaliseDomain } from "#lib/domain-name.ts";
import { typeId } from "#lib/typeid.ts";
import { defaultRoles } from "./rules.ts";

export const ConnectionId = typeId("sso");
export const DomainId = typeId("sdo");

const exampleIssuer = "https://login.example";
const exampleDomain = "harbour.example";

const DefaultRole = z.enum(defaultRoles).meta({
  description: "What a member who is added is.",
  examples: ["staff"],
});
const AllLocations = z.boolean().meta({
  description: "Whether a member who is added is of all locations, or of none yet.",
  examples: [false],
});
const AddsMembers = z.boolean().meta({
  description: "Whether whoever comes by it and is no member yet becomes one.",
  examples: [false],
});
const State = z
  .enum(["active", "off"])
  .meta({ description: "Nobody signs in by one that is off.", examples: ["active"] });

export const SsoConnection = z
  .object({
    id: toldId("sso"),
    name: told(80, "Harbour's own"),
    issuer: told(2048, exampleIssuer),
    clientId: told(255, "keyline"),
    defaultRole: told(40, "staff"),
    allLocations: AllLocations,
    addsMembers: AddsMembers,
    state: State,
    ...stored,
  })
  .meta({ id: "SsoConnection" });

const Issuer = z
  .string()
  .max(2048)
  .meta({
    pattern: "^[!-~]+$",
    description: "As `iss` has it: https, of a public host name, without a query.",
    examples: [exampleIssuer],
  });
// RFC 6749, appendices A.1 and A.2.
const Visible = z
  .string()
  .min(1)
  .regex(/^[ -~]+$/, "has characters beyond ASCII");
const ClientId = Visible.max(255).meta({ examples: ["keyline"] });
const ClientSecret = Visible.max(1024).meta({
  description: "In no answer.",
  examples: ["4Qh8-what-the-issuer-gave-2mVx"],
});

export const NewSsoConnection = z
  .strictObject({
    name: line(80).meta({ examples: ["Harbour's own"] }),
    issuer: Issuer,
    clientId: ClientId,
    clientSecret: ClientSecret,
    defaultRole: DefaultRole.default("staff"),
    allLocations: AllLocations.default(false),
    addsMembers: AddsMembers.default(false),
  })
  .meta({ id: "NewSsoConnection" });

export const SsoConnectionPatch = z
  .strictObject({
    name: line(80).optional(),
    issuer: Issuer.optional(),
    clientId: ClientId.optional(),
    clientSecret: ClientSecret.optional(),
    defaultRole: DefaultRole.optional(),
    allLocations: AllLocations.optional(),
    addsMembers: AddsMembers.optional(),
    state: State.optional(),
  })
  .meta({ id: "SsoConnectionPatch" });

const IsEnforced = z.boolean().meta({
  description: "Whether who has an address of it signs in by the connection alone.",
  examples: [false],
});

export const SsoDomain = z
  .object({
    id: toldId("sdo"),
    connectionId: toldId("sso"),
    domain: told(253, exampleDomain),
    state: z.enum(["pending", "verified", "lapsed"]),
    isEnforced: IsEnforced,
    recordName: told(262, `_keyline.${exampleDomain}`).meta({ description: "Where DNS has the TXT record." }),
    recordValue: told(100, "keyline-domain-proof=01jd5r0t6vf3h8k2m4n6p8q0rs3v5x7z").meta({
      description: "What it says, for as long as the domain is in use.",
    }),
    verifiedAt: Timestamp.nullable(),
    checkedAt: Timestamp.nullable().meta({ description: "When DNS was last asked for it." }),
    missingSince: Timestamp.nullable().meta({
      description: "Since when DNS has not had the record of a verified domain; it lapses after 7 days.",
    }),
    ...stored,
  })
  .meta({ id: "SsoDomain" });

const Domain = z
  .string()
  .max(253)
  .transform((text, context) => {
    const domain = normaliseDomain(text);
    if (domain !== null) return domain;
    context.addIssue({ code: "custom", message: "is not a public domain name such as harbour.example" });
    return z.NEVER;
  })
  .meta({
    pattern: "^[^\\u0000-\\u0020/\\\\?#@:]+$",
    description: "Of two labels at least.",
    examples: [exampleDomain],
  });

export const NewSsoDomain = z
  .strictObject({ domain: Domain, connectionId: ConnectionId })
  .meta({ id: "NewSsoDomain" });

export const SsoDomainPatch = z
  .strictObject({ isEnforced: IsEnforced.optional(), connectionId: ConnectionId.optional() })
  .meta({ id: "SsoDomainPatch" });
