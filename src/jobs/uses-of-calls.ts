import type { CapabilityUse } from "#db/capability-uses.ts";
import type { Capability } from "#gate/capabilities.ts";
import { namedOperations } from "#http/registry.ts";
import type { CallRecord } from "#lib/call-record.ts";
import { dayOf } from "#lib/time.ts";
import { timeOfId } from "#lib/typeid.ts";
import { registry } from "#resources/index.ts";

const capabilityOf: ReadonlyMap<string, Capability> = new Map(
  namedOperations(registry).flatMap(({ name, operation }) =>
    operation.mount === "tenant" && typeof operation.can === "string" ? [[name, operation.can]] : [],
  ),
);

/** Which capabilities these calls used, by the principal and by the OAuth client that it called through. */
export function usesOf(calls: readonly CallRecord[]): CapabilityUse[] {
  const uses = new Map<string, CapabilityUse>();
  for (const { id, actorId, clientId, operation, status } of calls) {
    const capability = capabilityOf.get(operation);
    if (capability === undefined || !wasLet(status)) continue;
    const day = dayOf(timeOfId(id));
    for (const user of clientId === null ? [actorId] : [actorId, clientId])
      uses.set(`${user} ${capability} ${day}`, { actorId: user, capability, day });
  }
  return [...uses.values()];
}

// A 404 may be for want of rights as well, of the tenant or of the row. What was refused for what it said, or for how
// things were, had been let; of what broke down nobody knows how far it had come.
const refusedByRights: readonly number[] = [401, 403, 404, 429];

function wasLet(status: number): boolean {
  return status < 500 && !refusedByRights.includes(status);
}
