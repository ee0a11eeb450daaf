import { insert } from "#db/changes.ts";
import { openDirectory } from "#db/directory.ts";
import { ssoDomainClaims } from "#db/directory-tables.ts";
import { systemSession } from "#db/open-tenant.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { ssoConnections, ssoDomains } from "#gate/sso-tables.ts";
import { ssoReferenceOf } from "#lib/sso-reference.ts";
import { newId } from "#platform/ids.ts";
import { testEnv } from "#test/env.ts";
import { newTenant, rowsOf, type TestTenant } from "#test/world.ts";
import { newSubject } from "./kit.ts";

export interface Sso {
  readonly tenant: TestTenant;
  readonly domain: string;
  readonly connectionId: string;
  readonly source: string;
}

export const run = () => ({ job: "test.sso", requestId: newId("run"), now: Date.now() });

/** A business with a sign-in of its own at a domain that it has proved. */
export async function newSso(
  changes: { issuer?: string; addsMembers?: number; isEnforced?: number; domain?: string } = {},
): Promise<Sso> {
  const tenant = await newTenant();
  const { tenantId, cell } = tenant;
  const domain = changes.domain ?? `${newId("x").slice(2)}.example`;
  const { issuer = `https://${newId("x").slice(2)}.idp.example`, addsMembers = 1, isEnforced = 0 } = changes;
  const session = await systemSession(testEnv(), cell.database, tenantId);
  const connectionId = newId("sso");
  const domainId = newId("sdo");
  const at = new Date().toISOString();
  await commitAsSystem(session, run(), [
    insert(
      ssoConnections,
      {
        id: connectionId,
        name: "Harbour",
        issuer,
        clientId: "harbour-client",
        clientSecret: "connection-secret",
        defaultRole: "sales",
        allLocations: 1,
        addsMembers,
        state: "active",
      },
      Date.now(),
    ),
    insert(
      ssoDomains,
      {
        id: domainId,
        connectionId,
        domain,
        proof: "keyline-domain-proof=x",
        state: "verified",
        isEnforced,
        verifiedAt: at,
        checkedAt: at,
        missingSince: null,
      },
      Date.now(),
    ),
  ]);
  await commitAsSystem(await openDirectory(testEnv()), run(), [
    insert(
      ssoDomainClaims,
      { id: domainId, domain, ownerId: tenantId, connectionId, state: "live", checkedAt: at },
      Date.now(),
    ),
  ]);
  return {
    tenant,
    domain,
    connectionId,
    source: ssoReferenceOf({ cell: cell.id, tenantId, id: connectionId }),
  };
}

/** Somebody of its domain whom it has not let in yet. */
export const somebodyAt = ({ domain }: Sso) => ({
  sub: newSubject(),
  email: `${newId("x").slice(2)}@${domain}`,
});

/** How many members a business has. */
export async function membersOf({ cell, tenantId }: TestTenant): Promise<number> {
  const rows = await rowsOf(cell.database, "select id from members where tenant_id = ?", tenantId);
  return rows.length;
}
