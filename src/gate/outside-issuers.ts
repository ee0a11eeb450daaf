import { z } from "zod";
import type { Env } from "#platform/env.ts";
import { type CapabilityMask, isCapability, maskOf, noCapabilities, union } from "./capabilities.ts";
import type { ClaimPointers, OrganizationClaims } from "./outside-claims.ts";
import { parseRole, type Role, roles } from "./roles.ts";

/** Whose tokens this deployment takes besides its own: one entry of the variable OUTSIDE_ISSUERS. */
export interface OutsideIssuer {
  /** The operator's word for it, in URLs and commands. */
  readonly name: string;
  /** What stands in `iss`. */
  readonly issuer: string;
  readonly jwksUrl: string;
  readonly audience: string | null;
  readonly authorizedParties: readonly string[];
  readonly claims: "clerk" | ClaimPointers;
  readonly roles: ReadonlyMap<string, RoleTerms>;
  readonly permissions: ReadonlyMap<string, CapabilityMask>;
}

/** What a role of the issuer's is here. */
export interface RoleTerms {
  readonly role: Role;
  readonly allLocations: boolean;
}

/** A role's terms here; null where it is mapped to none. Clerk writes `org:admin` in one place and `admin` in another. */
export function termsOf(issuer: Pick<OutsideIssuer, "roles">, role: string | null): RoleTerms | null {
  return role === null ? null : (issuer.roles.get(bareRole(role)) ?? null);
}

/** The most that a token of these claims may do, whatever its member's row would allow. */
export function maskOfClaims(
  issuer: OutsideIssuer,
  { role, permissions }: OrganizationClaims,
): CapabilityMask {
  const terms = termsOf(issuer, role);
  const ofRole = terms === null ? noCapabilities : maskOf(roles[terms.role].capabilities);
  return permissions.reduce<CapabilityMask>(
    (mask, permission) => union(mask, issuer.permissions.get(permission) ?? noCapabilities),
    ofRole,
  );
}

function bareRole(role: string): string {
  return role.replace(/^org:/, "");
}

const RoleName = z.string().transform((text, context): Role => {
  const role = parseRole(text);
  if (role) return role;
  context.addIssue({ code: "custom", message: `"${text}" is no role of ours` });
  return z.NEVER;
});
const Terms = z.union([
  RoleName.transform((role) => ({ role, allLocations: roles[role].scope === "tenant" })),
  z.strictObject({ role: RoleName, allLocations: z.boolean() }),
]);
const Capabilities = z.array(z.string().refine(isCapability, "is no capability of ours"));
const Pointer = z.string().regex(/^(\/([^~/]|~[01])+)+$/, "is no JSON pointer");

const Entry = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, "is a short name of a-z, 0-9 and dashes"),
    issuer: z.string().max(255),
    jwksUrl: z.string().max(2048).optional(),
    audience: z.string().min(1).max(255).nullable().default(null),
    authorizedParties: z.array(z.string().min(1).max(255)).max(100).default([]),
    claims: z
      .union([
        z.literal("clerk"),
        z.strictObject({ organization: Pointer, role: Pointer, permissions: Pointer.optional() }),
      ])
      .default("clerk"),
    roles: z.record(z.string().min(1).max(255), Terms),
    permissions: z.record(z.string().min(1).max(255), Capabilities).default({}),
  })
  .refine((entry) => entry.authorizedParties.length > 0 || (entry.claims !== "clerk" && entry.audience), {
    message: "names who may use its tokens: Clerk's by authorizedParties, others' by those or by an audience",
  });

function entriesFor(publicOrigin: string) {
  const isLocal = isLoopback(publicOrigin);
  const isServed = (url: string) => isFetchable(url, isLocal);
  return z
    .array(
      Entry.transform(
        ({ roles, permissions, jwksUrl, ...entry }): OutsideIssuer => ({
          ...entry,
          jwksUrl: jwksUrl ?? `${entry.issuer}/.well-known/jwks.json`,
          roles: new Map(Object.entries(roles).map(([role, terms]) => [bareRole(role), terms])),
          permissions: new Map(
            Object.entries(permissions).map(([name, list]) => [name, maskOf(list.filter(isCapability))]),
          ),
        }),
      )
        .refine(({ issuer }) => isServed(issuer) && !/[?#]/.test(issuer), "the issuer is an https URL")
        .refine(({ jwksUrl }) => isServed(jwksUrl), "the jwksUrl is an https URL")
        .refine(({ issuer }) => issuer !== publicOrigin, "that is ourselves"),
    )
    .max(20)
    .refine((entries) => areUnique(entries, "name"), "two have one name")
    .refine((entries) => areUnique(entries, "issuer"), "two have one issuer");
}

function areUnique(entries: readonly OutsideIssuer[], key: "name" | "issuer"): boolean {
  return new Set(entries.map((entry) => entry[key])).size === entries.length;
}

function isLoopback(url: string): boolean {
  return ["localhost", "127.0.0.1", "[::1]"].includes(new URL(url).hostname);
}

// Keys that come unencrypted are anybody's on the way; on one's own machine there is no way.
function isFetchable(text: string, isLocal: boolean): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  const isSecure = protocol === "https:" || (protocol === "http:" && isLocal && isLoopback(text));
  return isSecure && username === "" && password === "";
}

const mostTexts = 100;
const parsed = new Map<string, readonly OutsideIssuer[]>();

/** The deployment's outside issuers, none unless configured. @throws Error where OUTSIDE_ISSUERS is malformed */
export function outsideIssuers(
  env: Pick<Env, "OUTSIDE_ISSUERS" | "PUBLIC_ORIGIN">,
): readonly OutsideIssuer[] {
  const text = env.OUTSIDE_ISSUERS ?? "[]";
  const key = `${env.PUBLIC_ORIGIN} ${text}`;
  const known = parsed.get(key);
  if (known) return known;
  const result = entriesFor(env.PUBLIC_ORIGIN).safeParse(jsonOf(text));
  if (!result.success) throw new Error(`OUTSIDE_ISSUERS is malformed: ${z.prettifyError(result.error)}`);
  if (parsed.size >= mostTexts) parsed.clear();
  parsed.set(key, result.data);
  return result.data;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
