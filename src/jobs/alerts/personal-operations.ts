import type { Capability } from "#gate/capabilities.ts";
import { namedOperations } from "#http/registry.ts";
import { registry } from "#resources/index.ts";

/** Whose answers tell of people: by what asks for them. Writing is another thing, and has its own limits. */
const personalCapabilities: readonly Capability[] = [
  "customers:read",
  "customers:sensitive",
  "customers:consent",
  "files:read",
  "members:read",
  "api-keys:read",
  "audit:read",
];

/** A page holds up to a hundred people and mostly a few: whoever reads sixty full ones has seen six thousand. */
const weightOfPage = 10;

const pages: readonly string[] = [
  "customers.list",
  "customers.search",
  "files.list",
  "members.list",
  "invitations.list",
  "api-keys.list",
  "audit.list",
  // Even where it is only tried, it answers who came from where.
  "ip-allow-list.update",
];

/** How much each operation counts whose answers tell of people: one of whom it is, or a page of them. */
export const personalWeights: Readonly<Record<string, number>> = Object.fromEntries(
  namedOperations(registry).flatMap(({ name, operation }): [string, number][] => {
    if (operation.mount !== "tenant") return [];
    if (pages.includes(name)) return [[name, weightOfPage]];
    return personalCapabilities.some((capability) => capability === operation.can) ? [[name, 1]] : [];
  }),
);
