import { clientOf } from "./client.ts";
import type { Example } from "./examples.ts";
import { join, newUser } from "./identity/kit.ts";
import {
  asked,
  basic,
  clientToken,
  codeFor,
  type Fields,
  formOf,
  formType,
  newClient,
  redemption,
  type TestClient,
  tokensFor,
} from "./identity/oauth/kit.ts";
import { as, rowsOf, type TestTenant } from "./world.ts";

const { call } = clientOf();

/** Of OAuth: each has a client and a user of its own. */
export const oauthExamples: Readonly<Record<string, Example>> = {
  "oauth.serverMetadata": { needs: "nobody", make: () => ({}) },
  "oauth.providerMetadata": { needs: "nobody", make: () => ({}) },
  "oauth.token": {
    needs: "nobody",
    async make(tenant) {
      const { user, client } = await memberAndClient(tenant);
      return posted(client, redemption(await codeFor(user, client)));
    },
  },
  "oauth.revoke": { needs: "nobody", make: async (tenant) => ofToken(await newClient(tenant)) },
  "oauth.introspect": { needs: "nobody", make: async (tenant) => ofToken(await newClient(tenant)) },
  "oauth.userinfo": { needs: "nobody", make: withAccessToken },
  "oauth.userinfoByPost": { needs: "nobody", make: withAccessToken },
  "oauth.authorize": {
    needs: "the user",
    async make(tenant) {
      const { user, client } = await memberAndClient(tenant);
      const fields = asked(client);
      const query = new URLSearchParams(fields).toString();
      return { as: user.accessToken, body: { query, decision: "allow", shown: fields.scope } };
    },
  },
  "oauth.clients": {
    needs: "the user",
    async make(tenant) {
      const { user, client } = await memberAndClient(tenant);
      await codeFor(user, client);
      return { as: user.accessToken };
    },
  },
  "oauth.disconnect": {
    needs: "the user",
    async make(tenant) {
      const { user, client } = await memberAndClient(tenant);
      await codeFor(user, client);
      return { as: user.accessToken, params: { clientId: client.clientId } };
    },
  },
};

/** What a member allowed a client, for its tenant to take back. */
export async function withClientConsent(tenant: TestTenant) {
  const { user, client } = await memberAndClient(tenant);
  await codeFor(user, client);
  const params = { oauthClientId: client.id };
  const { data } = (await call("oauth-clients.consents", { ...as(tenant), params })).json;
  return { params: { ...params, oauthConsentId: String(data[0].id) } };
}

// A tenant has a hundred at most, and the tests make more than that.
export async function makeRoomForClients({ cell, tenantId }: TestTenant): Promise<void> {
  await rowsOf(
    cell.database,
    "update oauth_clients set deleted_at = created_at where tenant_id = ?1 and deleted_at is null and id not in (select id from oauth_clients where tenant_id = ?1 order by id desc limit 40)",
    tenantId,
  );
}

async function memberAndClient(tenant: TestTenant) {
  await makeRoomForClients(tenant);
  const user = await newUser();
  // Whom no other example asks for a second factor.
  await join(user, tenant, "manager");
  return { user, client: await newClient(tenant) };
}

async function withAccessToken(tenant: TestTenant) {
  const { user, client } = await memberAndClient(tenant);
  return { as: (await tokensFor(user, client)).access_token };
}

async function ofToken(client: TestClient) {
  return posted(client, { token: await clientToken(client) });
}

function posted(client: TestClient, fields: Fields) {
  return { bytes: formOf(fields), headers: { ...formType, ...basic(client) } };
}
