import { z } from "zod";
import { usesKnownSince, usesSince } from "#db/capability-uses.ts";
import { inCell, many, one } from "#db/queries.ts";
import { type CapabilityMask, noCapabilities, storedMask } from "#gate/capabilities.ts";
import { givenTo, mostRoles } from "#gate/giving.ts";
import { endOfKey } from "#gate/key-age.ts";
import { rightsOf } from "#gate/rights.ts";
import { apiKeys, members, oauthClients, roles } from "#gate/tables.ts";
import { readOperation, type TenantContext } from "#http/operation.ts";
import { refuse } from "#http/outcome.ts";
import { securityPolicies } from "#resources/security-policy/table.ts";
import { adviceOf, firstDay, type Known } from "./rules.ts";
import { AccessAdvice, AdvisedId } from "./schema.ts";

export const get = readOperation({
  mount: "tenant",
  method: "get",
  path: "/access-advice/{principalId}",
  summary: "Tell which capabilities a member, an API key or an OAuth client used in the last 30 days",
  can: "security:read",
  store: "log",
  params: z.object({ principalId: AdvisedId }),
  returns: AccessAdvice,
  problems: ["not-found"],
  async run(context, { params: { principalId } }) {
    const kind = kindOf(principalId);
    const known = await knownOf[kind](context, principalId);
    if (known === null) return refuse("not-found");
    if (kind !== "member" && isOutOfReach(context, principalId)) return refuse("not-found");
    return { principalId, kind, ...adviceOf(known, context.now) };
  },
});

type Kind = "member" | "api-key" | "client";

function kindOf(principalId: string): Kind {
  if (principalId.startsWith("key_")) return "api-key";
  return principalId.startsWith("cli_") ? "client" : "member";
}

/** As their gate would have it: nothing for who is suspended, revoked or expired. null: not there, or out of reach. */
const knownOf: Readonly<Record<Kind, (context: TenantContext, id: string) => Promise<Known | null>>> = {
  async member({ tenant, now }, id) {
    const { row, ownRoles, ...log } = await tenant.read({
      row: inCell(one(members, id)),
      ownRoles: inCell(many(roles, { limit: mostRoles })),
      ...logged(id, now),
    });
    if (!row) return null;
    return known(row, row.state === "active" ? rightsOf(givenTo(row, ownRoles)) : null, log);
  },
  async "api-key"({ tenant, now }, id) {
    const { row, policies, ...log } = await tenant.read({
      row: inCell(one(apiKeys, id)),
      policies: inCell(many(securityPolicies, { limit: 1 })),
      ...logged(id, now),
    });
    if (!row) return null;
    const [policy] = policies;
    const { longestKeyAge: longestAge = null, longestKeyAgeSince: longestAgeSince = null } = policy ?? {};
    const end = endOfKey({ ...row, longestAge, longestAgeSince });
    const isOver = row.revokedAt !== null || (end !== null && end <= now);
    return known(row, isOver ? null : storedMask(row.scopes), log);
  },
  async client({ tenant, now }, id) {
    const { row, ...log } = await tenant.read({ row: inCell(one(oauthClients, id)), ...logged(id, now) });
    return row ? known(row, row.deletedAt === null ? storedMask(row.scopes) : null, log) : null;
  },
};

function logged(id: string, now: number) {
  return { uses: usesSince(id, firstDay(now)), knownSince: usesKnownSince };
}

function known(
  { createdAt }: { readonly createdAt: string },
  held: CapabilityMask | null,
  log: Pick<Known, "uses" | "knownSince">,
): Known {
  return { held: held ?? noCapabilities, createdAt, ...log };
}

// What a program did has no place, so of whoever is limited to places or assignments it is told of themselves alone.
function isOutOfReach({ principal }: TenantContext, principalId: string): boolean {
  const isLimited = principal.locations !== null || principal.assigneeId !== null;
  return isLimited && principal.id !== principalId;
}
