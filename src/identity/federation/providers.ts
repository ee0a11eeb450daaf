import { z } from "zod";
import { guardUrl } from "#lib/url-guard.ts";
import { isLocalDevelopment } from "#platform/destinations.ts";
import type { Env } from "#platform/env.ts";

/** An issuer that everybody of this deployment may sign in with: one entry of the variable SIGN_IN_PROVIDERS. */
export type Provider = z.output<typeof Entry>;

const text = z.string().min(1).max(255);
const named = {
  name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, "is a short name of a-z, 0-9 and dashes"),
  clientId: text,
};
const Entry = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("google"),
    ...named,
    issuer: z.url().default("https://accounts.google.com"),
    label: text.default("Google"),
  }),
  z.strictObject({
    kind: z.literal("apple"),
    ...named,
    issuer: z.url().default("https://appleid.apple.com"),
    label: text.default("Apple"),
    teamId: text,
    keyId: text,
  }),
  z.strictObject({
    kind: z.literal("microsoft"),
    ...named,
    /** `…/<tenant>/v2.0` for one organization; `organizations`, `consumers` or `common` for many. */
    issuer: z.url(),
    label: text.default("Microsoft"),
  }),
  z.strictObject({
    kind: z.literal("oidc"),
    ...named,
    issuer: z.url(),
    label: text,
    /** Whether `email_verified` of this issuer is believed. */
    trustsEmail: z.boolean().default(false),
    authentication: z.enum(["basic", "post"]).default("basic"),
  }),
]);
const Secrets = z.record(z.string(), z.string().min(1).max(8192));

const mostTexts = 100;
const parsed = new Map<string, readonly Provider[]>();

/** None unless configured. @throws Error where SIGN_IN_PROVIDERS is malformed */
export function providersOf(env: Env): readonly Provider[] {
  const given = env.SIGN_IN_PROVIDERS ?? "[]";
  const known = parsed.get(given);
  if (known) return known;
  const allowLocalhost = isLocalDevelopment(env);
  const result = z
    .array(
      Entry.refine(({ issuer }) => guardUrl(issuer, { allowLocalhost }).ok, "its issuer is no https URL"),
    )
    .max(20)
    .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, "two have one name")
    .safeParse(jsonOf(given));
  if (!result.success) throw new Error(`SIGN_IN_PROVIDERS is malformed: ${z.prettifyError(result.error)}`);
  if (parsed.size >= mostTexts) parsed.clear();
  parsed.set(given, result.data);
  return result.data;
}

/** Of a client secret, or Apple's private key (PEM). @throws Error where there is none of this name, or all are malformed */
export function secretOf(env: Env, name: string): string {
  const secrets = Secrets.safeParse(jsonOf(env.SIGN_IN_SECRETS ?? "{}"));
  const secret = secrets.success && Object.hasOwn(secrets.data, name) ? secrets.data[name] : undefined;
  if (secret === undefined) throw new Error(`SIGN_IN_SECRETS has none for ${name}, or is malformed.`);
  return secret;
}

function jsonOf(given: string): unknown {
  try {
    return JSON.parse(given);
  } catch {
    return null;
  }
}
