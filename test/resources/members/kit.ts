import { clientOf } from "#test/client.ts";
import { newMember } from "#test/member-examples.ts";
import { memberToken, type TestTenant } from "#test/world.ts";

const { call } = clientOf();

/** Somebody new, with a token of theirs. */
export async function newColleague(
  tenant: TestTenant,
  terms: { readonly role: string } | { readonly roleId: string },
  locationIds: readonly string[] | null = [tenant.locationIds[0]],
) {
  const made = await newMember(tenant, terms, locationIds);
  return { ...made, as: await memberToken(tenant, "viewer", { member: made.memberId }) };
}

/** What this principal does to this member. */
export function doTo(
  tenant: TestTenant,
  as: string,
  operation: "get" | "update" | "suspend" | "reinstate" | "remove" | "transferOwnership" | "access",
  memberId: string,
  more: {
    readonly body?: unknown;
    readonly query?: Readonly<Record<string, string>>;
    readonly headers?: Record<string, string>;
  } = {},
) {
  return call(`members.${operation}`, { tenant: tenant.slug, as, params: { memberId }, ...more });
}
