import { z } from "zod";
import { line } from "#http/fields.ts";
import { accountEmail, domainOf } from "#lib/email-address.ts";
import { secondMs } from "#lib/time.ts";

/**
 * Whose word an issuer's `email` is. "google": it speaks for its own mailboxes and its customers' domains alone
 * (developers.google.com/identity, "hosted domain"). "microsoft": an administrator writes into it what they like, unless
 * `xms_edov` says that the domain is theirs. "verified": `email_verified` is believed. "domains": of these domains any.
 */
export type EmailTrust =
  | "google"
  | "microsoft"
  | "verified"
  | "nobody"
  | { readonly domains: readonly string[] };

const flag = z.union([z.boolean(), z.enum(["true", "false"]).transform((text) => text === "true")]);
const Claims = z.looseObject({
  iss: z.string().min(1).max(255),
  sub: z.string().min(1).max(255),
  azp: z.string().optional(),
  email: z.string().max(320).optional().catch(undefined),
  // Apple writes booleans as texts at times.
  email_verified: flag.optional().catch(undefined),
  hd: z.string().max(255).optional().catch(undefined),
  xms_edov: z
    .union([flag, z.literal(1), z.literal("1")])
    .optional()
    .catch(undefined),
  name: z.string().max(1000).optional().catch(undefined),
  amr: z.array(z.string().max(64)).max(32).optional().catch(undefined),
  auth_time: z.number().nonnegative().max(4_102_444_800).optional(),
});

export type IdClaims = z.output<typeof Claims>;

/** null where they are no claims of an ID token (OpenID Connect Core, section 2). */
export function idClaimsOf(claims: unknown): IdClaims | null {
  return Claims.safeParse(claims).data ?? null;
}

/** The address in the one spelling that accounts have, and whether the issuer speaks for it. */
export function emailIn(
  claims: IdClaims,
  trust: EmailTrust,
): { readonly email: string | null; readonly isEmailTheirs: boolean } {
  const email = accountEmail(claims.email ?? "");
  if (email === null) return { email: null, isEmailTheirs: false };
  return { email, isEmailTheirs: isTheirs(email, claims, trust) };
}

function isTheirs(email: string, claims: IdClaims, trust: EmailTrust): boolean {
  const isVerified = claims.email_verified === true;
  const domain = domainOf(email);
  if (typeof trust === "object") return claims.email_verified !== false && trust.domains.includes(domain);
  switch (trust) {
    case "google":
      return isVerified && (domain === "gmail.com" || claims.hd?.toLowerCase() === domain);
    case "microsoft":
      return claims.xms_edov === true || claims.xms_edov === 1 || claims.xms_edov === "1";
    case "verified":
      return isVerified;
    case "nobody":
      return false;
  }
}

/**
 * How they signed in: by another's word, and with a second factor where the issuer says so. Of its methods that is all
 * that is taken over: what else it says was proved there, not here.
 */
export function methodsIn(claims: IdClaims) {
  const isStrong = claims.amr?.includes("mfa") === true;
  return { methods: isStrong ? ["fed", "mfa"] : ["fed"], isStrong };
}

/** When they proved there that it is them, in ms since 1970 by the issuer's clock; 0, long ago, where it does not tell. */
export function provedAtIn(claims: IdClaims): number {
  return (claims.auth_time ?? 0) * secondMs;
}

const Name = line(200);
const AppleUser = z.object({
  name: z.object({ firstName: z.string().max(200).optional(), lastName: z.string().max(200).optional() }),
});

/** Apple tells a name once, beside the token and unsigned: it is what they call themselves, and proves nothing. */
export function appleName(user: string | null): string | null {
  try {
    const { name } = AppleUser.parse(JSON.parse(user ?? ""));
    return nameFrom([name.firstName, name.lastName].join(" "));
  } catch {
    return null;
  }
}

/** A name as accounts have it; null where it is none. */
export function nameFrom(text: string | undefined): string | null {
  return Name.safeParse(text).data ?? null;
}
