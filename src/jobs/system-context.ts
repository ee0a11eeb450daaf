import { type TenantSession, tenantDb } from "#db/tenant-db.ts";
import { noCapabilities } from "#gate/capabilities.ts";
import type { LinkedPeople, TenantContext } from "#http/operation.ts";
import { cursorsOf } from "#http/page.ts";
import type { AuditLog } from "#platform/audit-trees.ts";
import type { Cell } from "#platform/cells.ts";
import { newId } from "#platform/ids.ts";

/** What an operation's functions are given when a job calls them, as the system. */
export function systemContext(
  cell: Cell,
  session: TenantSession,
  operation: string,
  now: number,
): TenantContext {
  const { tenantId, keys } = session;
  return {
    tenant: tenantDb(session),
    principal: {
      kind: "system",
      id: "system",
      isInPerson: false,
      tenantId,
      slug: "",
      cell: cell.id,
      jurisdiction: cell.jurisdiction,
      tier: "free",
      capabilities: noCapabilities,
      locations: null,
      assigneeId: null,
      ipAllowList: [],
      allowedOrigins: [],
      expiresAt: null,
      currency: "",
    },
    now,
    newId,
    cursors: cursorsOf(keys.ring, tenantId, operation),
    mintApiKey: () => Promise.reject(new Error("The system creates no keys.")),
    auditLog: noLog,
    linkedPeople: nobody,
    destinationFault: () => Promise.reject(new Error("The system sets no addresses.")),
    address: null,
    ownHost: "",
  };
}

const unasked = () => Promise.reject(new Error("The system asks for no proofs."));
const noLog: AuditLog = {
  head: unasked,
  inclusion: unasked,
  consistency: unasked,
  leaves: unasked,
  sinks: () => null,
};
const unlinked = () => Promise.reject(new Error("The system links nobody."));
const nobody: LinkedPeople = { identify: unlinked, shared: unlinked };
