import type { Example } from "./examples.ts";
import { grantTerms, newAgent, newGrant, newSession, visit, visitTerms } from "./support-kit.ts";
import type { TestTenant } from "./world.ts";

const withGrant = async (tenant: TestTenant) => ({ params: { supportGrantId: await newGrant(tenant) } });

async function withVisit(tenant: TestTenant) {
  const agent = await newAgent();
  const { id } = await visit(agent, tenant, await newGrant(tenant));
  return { as: agent.accessToken, params: { supportSessionId: id } };
}

/** Of those who run the deployment, where they help. */
export const supportExamples: Readonly<Record<string, Example>> = {
  "support.begin": {
    needs: "the user",
    bodyIds: ["/tenantId", "/grantId", "/memberId"],
    async make(tenant) {
      const agent = await newAgent();
      const terms = { memberId: tenant.memberIds.manager };
      return { as: agent.accessToken, body: visitTerms(tenant, await newGrant(tenant), terms) };
    },
  },
  "support.token": { needs: "the user", make: withVisit },
  "support.list": { needs: "the user", make: async () => ({ as: (await newAgent()).accessToken }) },
  "support.end": { needs: "the user", make: withVisit },
  "support-grants.list": { needs: "support:read", make: () => ({ query: { limit: "5" } }) },
  "support-grants.get": { needs: "support:read", make: withGrant },
  "support-grants.create": {
    needs: "support:grant",
    make: () => ({ body: grantTerms({ capabilities: ["orders:write"] }) }),
  },
  "support-grants.end": { needs: "support:grant", make: withGrant },
  "support-sessions.list": { needs: "support:read", make: () => ({ query: { limit: "5" } }) },
  "support-sessions.end": {
    needs: "support:grant",
    make: async (tenant) => ({ params: { supportSessionId: await newSession(tenant) } }),
  },
};
