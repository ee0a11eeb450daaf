import { z } from "zod";

/** What a token says of its subject in the organization it was issued for; null where it was issued for none. */
export interface OrganizationClaims {
  readonly organization: string;
  readonly role: string | null;
  readonly permissions: readonly string[];
}

/** Where a token of another make keeps its facts: JSON pointers (RFC 6901) into its claims. */
export interface ClaimPointers {
  readonly organization: string;
  readonly role: string;
  readonly permissions?: string | undefined;
}

type Claims = Readonly<Record<string, unknown>>;

const id = z.string().min(1).max(255);
const list = z.string().max(4096);
const role = z
  .string()
  .max(255)
  .transform((text) => (text === "" ? null : text))
  .default(null);
const mostPermissions = 500;

const Version1 = z.object({
  v: z.literal(1).optional(),
  org_id: id,
  org_role: role,
  org_permissions: z.array(id).max(mostPermissions).optional(),
});
const Version2 = z.object({
  v: z.literal(2),
  fea: list.optional(),
  o: z.object({ id, rol: role, per: list.optional(), fpm: list.optional() }),
});

/** Clerk's session tokens: version 1 (`org_id`, `org_role`, `org_permissions`) and version 2 (`o`). */
export function clerkClaims(claims: Claims): OrganizationClaims | null {
  const second = Version2.safeParse(claims);
  if (second.success) {
    const { o, fea = "" } = second.data;
    return { organization: o.id, role: o.rol, permissions: permissionsOf(fea, o.per, o.fpm) };
  }
  const first = Version1.safeParse(claims);
  if (!first.success) return null;
  const { org_id: organization, org_role: role, org_permissions: permissions = [] } = first.data;
  return { organization, role, permissions };
}

const AuthTime = z.object({ auth_time: z.number().nonnegative().max(4_102_444_800) });
const Ages = z.object({ iat: z.number(), fva: z.tuple([z.int(), z.int()]) });
const minuteSeconds = 60;

/**
 * When its person last proved who they are, seconds since 1970: OpenID Connect's `auth_time`, or Clerk's `fva`, the minutes
 * since the first and the second factor, -1 for never. 0 where it is not told: then whatever asks for a recent proof is
 * refused, as nobody can say that there was one.
 */
export function provedAtOf(claims: Claims): number {
  const told = AuthTime.safeParse(claims);
  if (told.success) return told.data.auth_time;
  const ages = Ages.safeParse(claims);
  if (!ages.success) return 0;
  const { iat, fva } = ages.data;
  const [first, second] = fva;
  // Whoever has a second factor is asked for it: the first alone does not count.
  const minutes = second >= 0 ? second : first;
  return minutes < 0 ? 0 : iat - minutes * minuteSeconds;
}

const Methods = z.object({ amr: z.array(z.string()) });

/** Does the issuer say that a second factor was proved: `amr` with `mfa` (RFC 8176), or Clerk's `fva`. */
export function hasSecondFactor(claims: Claims): boolean {
  const methods = Methods.safeParse(claims);
  if (methods.success && methods.data.amr.includes("mfa")) return true;
  const ages = Ages.safeParse(claims);
  return ages.success && ages.data.fva[1] >= 0;
}

// `fpm` has a number per organization feature of `fea`; its bit i, from the least, is for the i-th word of `per`.
function permissionsOf(fea: string, per: string | undefined, fpm: string | undefined): string[] {
  if (per === undefined || fpm === undefined) return [];
  const verbs = wordsOf(per);
  const masks = wordsOf(fpm);
  const features = wordsOf(fea).flatMap((word) => {
    const [, scope = "", feature] = /^([uo]+):(.+)$/.exec(word) ?? [];
    return feature !== undefined && scope.includes("o") ? [feature] : [];
  });
  return features
    .flatMap((feature, index) =>
      verbs.filter((_, bit) => hasBit(masks[index], bit)).map((verb) => `org:${feature}:${verb}`),
    )
    .slice(0, mostPermissions);
}

function hasBit(mask: string | undefined, bit: number): boolean {
  return mask !== undefined && /^\d{1,40}$/.test(mask) && (BigInt(mask) & (1n << BigInt(bit))) !== 0n;
}

function wordsOf(text: string): string[] {
  return text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

const Role = id.nullable().catch(null);
const Permissions = z.union([
  z.array(id).max(mostPermissions),
  list.transform((text) => text.split(" ").filter((word) => word !== "")),
]);

/** The same facts from where the pointers say; a role or permissions of another form are none. */
export function pointedClaims(claims: Claims, pointers: ClaimPointers): OrganizationClaims | null {
  const organization = id.safeParse(valueAt(claims, pointers.organization));
  if (!organization.success) return null;
  const { permissions = "" } = pointers;
  return {
    organization: organization.data,
    role: Role.parse(valueAt(claims, pointers.role) ?? null),
    permissions: Permissions.catch([]).parse(permissions === "" ? [] : valueAt(claims, permissions)),
  };
}

function valueAt(value: unknown, pointer: string): unknown {
  return pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce<unknown>(
      (inner, step) =>
        typeof inner === "object" && inner !== null && Object.hasOwn(inner, step)
          ? Reflect.get(inner, step)
          : undefined,
      value,
    );
}
