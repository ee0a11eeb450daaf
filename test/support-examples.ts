import type { Example } from "./examples.ts";
import { grantTerms, newGrant, newSession } from "./support-kit.ts";
import type { TestTenant } from "./world.ts";

const withGrant = async (tenant: TestTenant) => ({ params: { supportGrantId: await newGrant(tenant) } });

/** Of those who run the deployment, where they help. */
export const supportExamples: Readonly<Record<string, Example>> = {
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
