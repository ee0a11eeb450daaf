import { type Change, insert } from "#db/changes.ts";
import { timestamp } from "#lib/time.ts";
import { storedFields } from "#resources/customer-consent/rules.ts";
import { customerConsents } from "#resources/customer-consent/table.ts";
import { customerDietary } from "#resources/customer-dietary/table.ts";
import type { Business } from "./seed.ts";

/** What a demo's business knows of a customer besides their name. */
export function aboutPerson({ diet }: Business, customerId: string, now: number): Change[] {
  const eats = { allergens: JSON.stringify(diet.allergens), needs: diet.needs };
  // It shares nothing, as its token is gone: the demo's businesses have customers of the same addresses.
  const shares = {
    fields: storedFields(["name"]),
    obtained: "in-person" as const,
    givenAt: timestamp(now),
    identityToken: null,
  };
  return [
    insert(customerDietary, { id: customerId, customerId, ...eats }, now),
    insert(customerConsents, { id: customerId, customerId, ...shares }, now),
  ];
}

/** Whoever holds this role at a demo business. */
export function demoUser(
  id: string,
  role: string,
  { name, slug }: Pick<Business, "name" | "slug">,
  now: number,
) {
  return {
    id,
    name: `${role} of ${name}`,
    email: `${role}@${slug}.example`,
    state: "active" as const,
    emailVerifiedAt: timestamp(now),
    sessionEpoch: 0,
  };
}
