import { runDurableObjectAlarm } from "cloudflare:test";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { afterEach, expect, test, vi } from "vitest";
import { parseCompactJws, parseJsonObject } from "#crypto/jws.ts";
import { gateOf } from "#platform/gates.ts";
import { clientOf } from "#test/client.ts";
import { counted } from "#test/counted.ts";
import { testEnv } from "#test/env.ts";
import { as, memberToken, newTenant, rowsOf } from "#test/world.ts";
import { grown, written } from "#test/written.ts";
import { appFetch, basic, clientToken, newClient, origin, post } from "./kit.ts";

const { call } = clientOf();
const ownToken = { grant_type: "client_credentials" };

afterEach(() => void vi.useRealTimers());

test("openid-client discovers, gets a client's own token, introspects and revokes it, unmodified", async () => {
  const tenant = await newTenant();
  const { clientId, clientSecret } = await newClient(tenant);
  for (const method of [openid.ClientSecretBasic, openid.ClientSecretPost]) {
    const config = await openid.discovery(new URL(origin), clientId, clientSecret, method(clientSecret), {
      [openid.customFetch]: appFetch,
      execute: [openid.allowInsecureRequests],
    });
    const tokens = await openid.clientCredentialsGrant(config, { scope: "orders:read" });
    expect([tokens.token_type, tokens.scope, tokens.expires_in]).toEqual(["bearer", "orders:read", 300]);
    expect(tokens.refresh_token).toBeUndefined();
    const orders = { tenant: tenant.slug, as: tokens.access_token };
    expect((await call("orders.list", orders)).status).toBe(200);
    const told = await openid.tokenIntrospection(config, tokens.access_token);
    expect(told).toMatchObject({ active: true, scope: "orders:read", client_id: clientId });
    await openid.tokenRevocation(config, tokens.access_token);
    expect((await call("orders.list", orders)).status).toBe(401);
    expect(await openid.tokenIntrospection(config, tokens.access_token)).toEqual({ active: false });
  }
});

test("oauth4webapi does the same by RFC 8414", async () => {
  const tenant = await newTenant();
  const { clientId, clientSecret } = await newClient(tenant);
  const options = { [oauth.customFetch]: appFetch, [oauth.allowInsecureRequests]: true };
  const issuer = new URL(origin);
  const found = await oauth.discoveryRequest(issuer, { ...options, algorithm: "oauth2" });
  const server = await oauth.processDiscoveryResponse(issuer, found);
  const client = { client_id: clientId };
  const proof = oauth.ClientSecretBasic(clientSecret);
  const answer = await oauth.clientCredentialsGrantRequest(
    server,
    client,
    proof,
    { scope: "orders:read" },
    options,
  );
  const { access_token: token } = await oauth.processClientCredentialsResponse(server, client, answer);
  const told = await oauth.introspectionRequest(server, client, proof, token, options);
  expect((await oauth.processIntrospectionResponse(server, client, told)).active).toBe(true);
  await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, proof, token, options));
  const after = await oauth.introspectionRequest(server, client, proof, token, options);
  expect((await oauth.processIntrospectionResponse(server, client, after)).active).toBe(false);
});

test("a client's token says whose it is, and its gate holds it to its scope, its tenant and its limit", async () => {
  const [tenant, foreign] = [await newTenant(), await newTenant()];
  const client = await newClient(tenant);
  const token = await clientToken(client, "orders:read");
  const claims = parseJsonObject(parseCompactJws(token)?.payload ?? new Uint8Array());
  expect(claims).toMatchObject({
    iss: origin,
    aud: origin,
    sub: client.id,
    client_id: client.clientId,
    tenant: tenant.tenantId,
    cell: tenant.cell.id,
    scope: "orders:read",
  });
  expect(Number(claims?.exp) - Number(claims?.iat)).toBe(300);
  const own = { tenant: tenant.slug, as: token };
  const allowed = await call("orders.list", own);
  expect([allowed.status, allowed.headers.has("RateLimit")]).toEqual([200, true]);
  expect((await call("customers.list", own)).status).toBe(403);
  expect((await call("orders.list", { ...own, tenant: foreign.slug })).status).toBe(404);
  expect((await call("me.get", { as: token })).status).toBe(401);
  expect((await call("sessions.list", { as: token })).status).toBe(401);
  const seen = await call("orders.list", { ...own, as: await clientToken(client) });
  expect(seen.status).toBe(200);
});

test("what a client does is in the audit as its doing", async () => {
  const tenant = await newTenant();
  const client = await newClient(tenant, { scopes: ["settings:write"] });
  const own = { tenant: tenant.slug, as: await clientToken(client) };
  expect((await call("settings.update", { ...own, body: { currency: "SEK" } })).status).toBe(200);
  const { data } = (await call("audit.list", { ...as(tenant), query: { actorId: client.id } })).json;
  expect(data[0]).toMatchObject({ operation: "settings.update", actor: { kind: "client", id: client.id } });
});

test("removal, and fewer scopes, hold from the next request on; a rotated secret is refused at once", async () => {
  const tenant = await newTenant();
  const client = await newClient(tenant);
  const params = { oauthClientId: client.id };
  const own = { tenant: tenant.slug, as: await clientToken(client) };
  expect((await call("customers.list", own)).status).toBe(200);
  await call("oauth-clients.update", { ...as(tenant), params, body: { scopes: ["orders:read"] } });
  expect((await call("customers.list", own)).status).toBe(403);
  const rotated = await call("oauth-clients.rotate", { ...as(tenant), params });
  expect((await post("token", ownToken, basic(client))).json.error).toBe("invalid_client");
  expect((await post("token", ownToken, basic(rotated.json))).status).toBe(200);
  await call("oauth-clients.remove", { ...as(tenant), params });
  expect((await call("orders.list", own)).status).toBe(401);
  expect((await post("token", ownToken, basic(rotated.json))).json.error).toBe("invalid_client");
});

test("the last use of a client by its secret is told", async () => {
  const tenant = await newTenant();
  const { id, ...client } = await newClient(tenant);
  await clientToken({ id, ...client });
  await runDurableObjectAlarm(gateOf(testEnv(), tenant.cell, id));
  const told = await call("oauth-clients.get", { ...as(tenant), params: { oauthClientId: id } });
  expect(Date.parse(told.json.lastUsedAt)).toBeGreaterThan(Date.now() - 60_000);
});

const refusals: readonly (readonly [string, Record<string, string> | string, string, string])[] = [
  ["no grant type", {}, "basic", "400 invalid_request"],
  ["an unknown grant type", { grant_type: "password" }, "basic", "400 unsupported_grant_type"],
  ["the implicit one", { grant_type: "implicit" }, "basic", "400 unsupported_grant_type"],
  ["no client", ownToken, "none", "401 invalid_client"],
  ["a bearer for a client", ownToken, "bearer", "401 invalid_client"],
  ["a parameter twice", "grant_type=client_credentials&scope=a&scope=a", "basic", "400 invalid_request"],
  [
    "a grant type twice",
    "grant_type=client_credentials&grant_type=client_credentials",
    "basic",
    "400 invalid_request",
  ],
  ["two proofs", { ...ownToken, client_secret: "x" }, "basic", "400 invalid_request"],
  ["two ids", { ...ownToken, client_id: "x" }, "basic", "400 invalid_request"],
  [
    "more than the client's",
    { ...ownToken, scope: "orders:read payments:refund" },
    "basic",
    "400 invalid_scope",
  ],
  ["what nobody knows", { ...ownToken, scope: "orders:read everything" }, "basic", "400 invalid_scope"],
  ["a user's scope", { ...ownToken, scope: "openid" }, "basic", "400 invalid_scope"],
  ["the scope of sessions", { ...ownToken, scope: "session" }, "basic", "400 invalid_scope"],
  ["16 KB", { ...ownToken, scope: "x".repeat(16_384) }, "basic", "400 invalid_request"],
  ["no UTF-8", "grant_type=client_credentials&scope=%FF", "basic", "400 invalid_scope"],
];

test.each(refusals)("%s is refused as RFC 6749 has it", async (_, fields, how, expected) => {
  const client = await newClient(await newTenant());
  const headers = {
    none: {},
    basic: basic(client),
    bearer: { Authorization: `Bearer ${client.clientSecret}` },
  };
  const answer = await post("token", fields, headers[how as keyof typeof headers]);
  expect(`${answer.status} ${answer.json.error}`, answer.text).toBe(expected);
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(answer.headers.get("content-type")).toBe("application/json");
  expect(answer.headers.get("www-authenticate")).toBe(
    answer.status === 401 ? 'Basic realm="oauth", charset="UTF-8"' : null,
  );
});

test("a body of another type is refused", async () => {
  const client = await newClient(await newTenant());
  const headers = { ...basic(client), "Content-Type": "application/json" };
  expect((await post("token", JSON.stringify(ownToken), headers)).json.error).toBe("invalid_request");
});

test("a public client, or one that is not let in so, gets no token of its own", async () => {
  const tenant = await newTenant();
  const open = await newClient(tenant, { type: "public", grantTypes: ["authorization_code"] });
  const asOpen = await post("token", { ...ownToken, client_id: open.clientId });
  expect(asOpen.json.error).toBe("unauthorized_client");
  const coder = await newClient(tenant, { grantTypes: ["authorization_code"] });
  expect((await post("token", ownToken, basic(coder))).json.error).toBe("unauthorized_client");
});

test("a confidential client proves itself: its id alone, or another's secret, is not enough", async () => {
  const tenant = await newTenant();
  const [client, other] = [await newClient(tenant), await newClient(tenant)];
  const foreign = await newClient(await newTenant());
  const token = await clientToken(client);
  for (const secret of ["", other.clientSecret, foreign.clientSecret, tenant.key, token]) {
    const wrong = { ...client, clientSecret: secret };
    expect((await post("token", ownToken, basic(wrong))).json.error).toBe("invalid_client");
    const inForm = { ...ownToken, client_id: client.clientId, client_secret: secret };
    expect((await post("token", inForm)).json.error).toBe("invalid_client");
    expect((await post("introspect", { token }, basic(wrong))).json.error).toBe("invalid_client");
    expect((await post("revoke", { token }, basic(wrong))).json.error).toBe("invalid_client");
  }
  expect((await call("orders.list", { tenant: tenant.slug, as: token })).status).toBe(200);
});

test("a forged secret costs no object and no query; a genuine one a hop to its gate, and nothing is written", async () => {
  const tenant = await newTenant();
  const client = await newClient(tenant);
  await clientToken(client);
  const { env, counts, reset } = counted();
  await post("token", ownToken, basic(client), env);
  reset();
  const { clientSecret } = client;
  const last = clientSecret.endsWith("0") ? "1" : "0";
  const forged = { ...client, clientSecret: clientSecret.slice(0, -1) + last };
  expect((await post("token", ownToken, basic(forged), env)).status).toBe(401);
  expect([counts.hops, counts.trips]).toEqual([[], []]);
  const before = await written();
  expect((await post("token", ownToken, basic(client), env)).status).toBe(200);
  expect([counts.hops, counts.trips]).toEqual([["enter"], []]);
  expect(grown(before, await written())).toEqual({});
});

test("a rotated secret is genuine still, so it costs one hop a second at most", async () => {
  const tenant = await newTenant();
  const client = await newClient(tenant);
  await call("oauth-clients.rotate", { ...as(tenant), params: { oauthClientId: client.id } });
  vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
  const { env, counts } = counted();
  for (let tries = 0; tries < 5; tries += 1)
    expect((await post("token", ownToken, basic(client), env)).status).toBe(401);
  expect(counts.hops.filter((hop) => hop === "enter")).toHaveLength(1);
});

test("a client of a suspended business gets nothing", async () => {
  const tenant = await newTenant();
  const client = await newClient(tenant);
  await clientToken(client);
  const { database } = tenant.cell;
  await rowsOf(
    database,
    "update tenant_state set state = 'frozen', epoch = epoch + 1 where tenant_id = ?",
    tenant.tenantId,
  );
  // As the gate of a client that touches no data learns of it.
  vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ["Date"] });
  expect((await post("token", ownToken, basic(client))).json.error).toBe("unauthorized_client");
});

test("a token of another tenant's client is nothing to introspect or to revoke", async () => {
  const [tenant, foreign] = [await newTenant(), await newTenant()];
  const [client, theirs] = [await newClient(tenant), await newClient(foreign)];
  const token = await clientToken(theirs);
  expect((await post("introspect", { token }, basic(client))).json).toEqual({ active: false });
  expect((await post("revoke", { token }, basic(client))).status).toBe(200);
  expect((await call("orders.list", { tenant: foreign.slug, as: token })).status).toBe(200);
  const colleague = await newClient(tenant);
  const own = await clientToken(client);
  expect((await post("introspect", { token: own }, basic(colleague))).json.active).toBe(true);
  expect((await post("revoke", { token: own }, basic(colleague))).status).toBe(200);
  expect((await call("orders.list", { tenant: tenant.slug, as: own })).status).toBe(200);
  for (const nonsense of ["x", tenant.key, `${own}x`])
    expect((await post("introspect", { token: nonsense }, basic(client))).json).toEqual({ active: false });
});

test("a session's own token is none of OAuth's to tell of", async () => {
  const tenant = await newTenant();
  const client = await newClient(tenant);
  const token = await memberToken(tenant, "owner");
  expect((await post("introspect", { token }, basic(client))).json).toEqual({ active: false });
});

test("a client's id under another tenant's name, and one without its secret, take nothing from the client", async () => {
  const [tenant, foreign] = [await newTenant("signs", { plan: "free" }), await newTenant()];
  const client = await newClient(tenant);
  const elsewhere = client.clientId.replace(tenant.tenantId.slice(4), foreign.tenantId.slice(4));
  expect(elsewhere).not.toBe(client.clientId);
  const bare = (id: string) => post("token", { ...ownToken, client_id: id });
  // Before its gate has read anything, beside its own requests, and after.
  for (let round = 0; round < 3; round += 1) {
    const asked = [elsewhere, client.clientId, elsewhere].map(bare);
    const [token, ...answers] = await Promise.all([clientToken(client, "orders:read"), ...asked]);
    expect(answers.map(({ json }) => json.error)).toEqual(asked.map(() => "invalid_client"));
    expect((await call("orders.list", { tenant: tenant.slug, as: token })).status).toBe(200);
    await gateOf(testEnv(), tenant.cell, client.id).forget();
  }
  // Of a limit of ten at a time nothing is used up.
  for (let index = 0; index < 30; index += 1) await bare(client.clientId);
  expect((await post("token", ownToken, basic(client))).status).toBe(200);
});

test("a client that takes back its own tokens has nobody else's rights read anew", async () => {
  const tenant = await newTenant();
  const client = await newClient(tenant);
  const epoch = () =>
    rowsOf(tenant.cell.database, "select epoch from tenant_state where tenant_id = ?", tenant.tenantId);
  const before = await epoch();
  const token = await clientToken(client, "orders:read");
  const own = { tenant: tenant.slug, as: token };
  expect((await call("orders.list", own)).status).toBe(200);
  expect((await post("revoke", { token }, basic(client))).status).toBe(200);
  expect((await call("orders.list", own)).status).toBe(401);
  expect(await epoch()).toEqual(before);
});
