import type { Example } from "./examples.ts";
import {
  newConnection,
  newConnectionBody,
  newDomain,
  newName,
  newProvenDomain,
  newVerifiedDomain,
} from "./resources/sso/kit.ts";
import { rowsOf, type TestTenant } from "./world.ts";

const list = () => ({ query: { limit: "5" } });

/** Of single sign-on: each has a connection, and a domain, of its own. */
export const ssoExamples: Readonly<Record<string, Example>> = {
  "sso-connections.list": { needs: "security:read", make: list },
  "sso-connections.get": { needs: "security:read", make: withConnection },
  "sso-connections.create": {
    needs: "security:write",
    async make(tenant) {
      await makeRoom(tenant);
      return { body: newConnectionBody };
    },
  },
  "sso-connections.update": {
    needs: "security:write",
    make: async (tenant) => ({ ...(await withConnection(tenant)), body: { name: "Harbour's other" } }),
  },
  "sso-connections.remove": { needs: "security:write", make: withConnection },
  "sso-domains.list": { needs: "security:read", make: list },
  "sso-domains.get": { needs: "security:read", make: withDomain },
  "sso-domains.create": {
    needs: "security:write",
    bodyIds: ["/connectionId"],
    async make(tenant) {
      const { params } = await withConnection(tenant);
      return { body: { domain: newName(), ...params } };
    },
  },
  "sso-domains.update": {
    needs: "security:write",
    bodyIds: ["/connectionId"],
    async make(tenant) {
      await makeRoom(tenant);
      const { id } = await newVerifiedDomain(tenant);
      const { id: connectionId } = await newConnection(tenant);
      return { params: { domainId: id }, body: { connectionId } };
    },
  },
  "sso-domains.verify": {
    needs: "security:write",
    async make(tenant) {
      await makeRoom(tenant);
      return { params: { domainId: (await newProvenDomain(tenant)).id } };
    },
  },
  "sso-domains.remove": {
    needs: "security:write",
    async make(tenant) {
      await makeRoom(tenant);
      return { params: { domainId: (await newVerifiedDomain(tenant)).id } };
    },
  },
};

async function withConnection(tenant: TestTenant) {
  await makeRoom(tenant);
  return { params: { connectionId: (await newConnection(tenant)).id } };
}

async function withDomain(tenant: TestTenant) {
  await makeRoom(tenant);
  return { params: { domainId: (await newDomain(tenant)).id } };
}

// A tenant has five at most, and the tests make more than that.
async function makeRoom({ cell, tenantId }: TestTenant): Promise<void> {
  const newest = "(select id from sso_connections where tenant_id = ?1 order by id desc limit 3)";
  for (const [table, column] of [
    ["sso_domains", "connection_id"],
    ["sso_connections", "id"],
  ])
    await rowsOf(
      cell.database,
      `delete from ${table} where tenant_id = ?1 and ${column} not in ${newest}`,
      tenantId,
    );
}
