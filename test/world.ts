import { businesses } from "#cli/businesses.ts";
import { type Business, mintDemoKey, type Seeded, seedTenant } from "#cli/seed.ts";
import type { Role } from "#gate/roles.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { newId } from "#platform/ids.ts";
import { testEnv } from "#test/env.ts";

export interface TestTenant extends Seeded {
  readonly slug: string;
  readonly business: Business;
  /** A key of every capability, and its id. */
  readonly key: string;
  readonly keyId: string;
}

/** A tenant of its own for one test: the demo's venue (eu1) or sign shop (us1) under a slug nobody has. */
export async function newTenant(
  kind: "cafe" | "signs" = "signs",
  changes: Partial<Business> = {},
): Promise<TestTenant> {
  const env = testEnv();
  const now = Date.now();
  await ensureDirectoryKeys(env, now);
  const model = kind === "cafe" ? businesses[0] : businesses[1];
  const slug = changes.slug ?? `${model.slug}-${newId("x").slice(-10)}`;
  const business = { ...model, ...changes, slug };
  const seeded = await seedTenant(env, business, now);
  if (!seeded) throw new Error("The slug was taken.");
  const { id: keyId, key } = await mintDemoKey(
    env,
    seeded.cell,
    seeded.tenantId,
    seeded.memberIds.owner,
    now,
  );
  return { ...seeded, slug, business, key, keyId };
}

export type { Role };
