/** Whose capabilities are enough, and how it is refused to who holds that of the operation alone. */
interface More {
  readonly of: "admin" | "owner";
  readonly alone: readonly [status: number, type: string];
}

const ofAdmin: More = { of: "admin", alone: [422, "/problems/scopes-exceed-creator"] };
const asMuch: More = { of: "admin", alone: [422, "/problems/rights-exceed-yours"] };

/**
 * By hand: what asks for more than its own capability. Who says by whom others sign in could come in as any of them but an
 * owner, so they may do what an admin may; nobody defines a role that may do what they may not; and whoever may do all that
 * an owner may gives a business away. What asks for a person is done by no key of its capability.
 */
export const asksForMore: Readonly<Record<string, More>> = {
  "sso-connections.create": ofAdmin,
  "sso-connections.update": ofAdmin,
  "sso-domains.update": ofAdmin,
  "roles.create": asMuch,
  "roles.update": asMuch,
  "roles.remove": asMuch,
  "sandbox.open": { of: "owner", alone: [403, "/problems/forbidden"] },
  "support-grants.create": { of: "owner", alone: [403, "/problems/forbidden"] },
  "members.transferOwnership": { of: "owner", alone: [403, "/problems/forbidden"] },
};
