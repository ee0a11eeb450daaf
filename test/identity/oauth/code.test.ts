import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { afterEach, expect, test, vi } from "vitest";
import { clientOf } from "#test/client.ts";
import { as } from "#test/world.ts";
import { grown, written } from "#test/written.ts";
import {
  answerRequest,
  appFetch,
  asked,
  codeFor,
  newClient,
  origin,
  redeem,
  redirectUri,
  sentTo,
  tokensFor,
  verifier,
  world,
} from "./kit.ts";

const { call } = clientOf();

afterEach(() => void vi.useRealTimers());

test("openid-client completes code, PKCE, ID token, userinfo, refresh, introspection and revocation, unmodified", async () => {
  const { tenant, user, client } = await world();
  const config = await openid.discovery(new URL(origin), client.clientId, client.clientSecret, undefined, {
    [openid.customFetch]: appFetch,
    execute: [openid.allowInsecureRequests],
  });
  const pkceCodeVerifier = openid.randomPKCECodeVerifier();
  const [expectedState, expectedNonce] = [openid.randomState(), openid.randomNonce()];
  const url = openid.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: "openid email profile orders:read payments:refund",
    code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    state: expectedState,
    nonce: expectedNonce,
    max_age: "600",
  });
  expect(url.href.startsWith(`${origin}/oauth/authorize?`)).toBe(true);
  const query = url.search.slice(1);
  const question = await answerRequest(user, query);
  expect(question.json).toMatchObject({
    next: "consent",
    location: null,
    consent: { client: "Route planner", tenant: tenant.business.name, host: "planner.example" },
  });
  expect(question.json.consent.allows.map(({ scope }: { scope: string }) => scope)).toEqual([
    ...["openid", "email", "profile", "orders:read"],
  ]);
  const callback = sentTo(
    await answerRequest(user, query, "allow", { shown: "openid email profile orders:read" }),
  );
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, maxAge: 600, idTokenExpected: true };
  const tokens = await openid.authorizationCodeGrant(config, callback, checks);
  expect(tokens.scope).toBe("openid email profile orders:read");
  const me = (await call("me.get", { as: user.accessToken })).json;
  const about = { sub: me.id, name: me.name, email: user.email, email_verified: true };
  expect(tokens.claims()).toMatchObject({
    ...about,
    acr: "aal1",
    amr: ["pwd"],
    sid: user.sessionId,
    azp: client.clientId,
  });
  expect(await openid.fetchUserInfo(config, tokens.access_token, me.id)).toEqual(about);
  const own = { tenant: tenant.slug, as: tokens.access_token };
  expect((await call("orders.list", own)).status).toBe(200);
  expect((await call("customers.list", own)).status).toBe(403);
  const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token ?? "");
  expect(refreshed.claims()?.sub).toBe(me.id);
  expect(await openid.tokenIntrospection(config, refreshed.access_token)).toMatchObject({
    active: true,
    sub: me.id,
    client_id: client.clientId,
  });
  await openid.tokenRevocation(config, refreshed.refresh_token ?? "");
  expect(await openid.tokenIntrospection(config, refreshed.access_token)).toEqual({ active: false });
  for (const token of [tokens.access_token, refreshed.access_token])
    expect((await call("orders.list", { ...own, as: token })).status).toBe(401);
  expect((await call("oauth.userinfo", { as: refreshed.access_token })).status).toBe(401);
});

test("oauth4webapi completes them for a public client on a port of its own machine", async () => {
  const loopback = "http://127.0.0.1/callback";
  const { tenant, user, client } = await world("owner", {
    type: "public",
    redirectUris: [loopback],
    grantTypes: ["authorization_code", "refresh_token"],
  });
  const options = { [oauth.customFetch]: appFetch, [oauth.allowInsecureRequests]: true };
  const issuer = new URL(origin);
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options));
  const codeVerifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const nonce = oauth.generateRandomNonce();
  const redirect = "http://127.0.0.1:51234/callback";
  const query = asked(client, {
    redirect_uri: redirect,
    scope: "openid orders:read offline_access",
    code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier),
    state,
    nonce,
  });
  const callback = sentTo(await answerRequest(user, query, "allow"));
  expect(callback.origin).toBe("http://127.0.0.1:51234");
  const own = { client_id: client.clientId };
  const parameters = oauth.validateAuthResponse(server, own, callback, state);
  const proof = oauth.None();
  const answer = await oauth.authorizationCodeGrantRequest(
    server,
    own,
    proof,
    parameters,
    redirect,
    codeVerifier,
    options,
  );
  const tokens = await oauth.processAuthorizationCodeResponse(server, own, answer, {
    expectedNonce: nonce,
    requireIdToken: true,
  });
  await oauth.validateApplicationLevelSignature(server, answer, options);
  const sub = oauth.getValidatedIdTokenClaims(tokens)?.sub ?? "";
  const told = await oauth.userInfoRequest(server, own, tokens.access_token, options);
  expect(await oauth.processUserInfoResponse(server, own, sub, told)).toEqual({ sub });
  const again = await oauth.refreshTokenGrantRequest(server, own, proof, tokens.refresh_token ?? "", options);
  const refreshed = await oauth.processRefreshTokenResponse(server, own, again);
  expect((await call("orders.list", { tenant: tenant.slug, as: refreshed.access_token })).status).toBe(200);
  const ended = await oauth.revocationRequest(server, own, proof, refreshed.access_token, options);
  await oauth.processRevocationResponse(ended);
  expect((await call("orders.list", { tenant: tenant.slug, as: refreshed.access_token })).status).toBe(401);
  // Anybody's program could listen on that port: such a client is asked for each time.
  expect((await answerRequest(user, query)).json.next).toBe("consent");
});

test("a user is asked once for what they allowed before, and again for more", async () => {
  const { user, client } = await world();
  await codeFor(user, client);
  expect((await answerRequest(user, asked(client))).json.next).toBe("redirect");
  expect((await answerRequest(user, asked(client, { scope: "openid customers:read" }))).json.next).toBe(
    "consent",
  );
  expect((await answerRequest(user, asked(client, { prompt: "consent" }))).json.next).toBe("consent");
  const silent = sentTo(
    await answerRequest(user, asked(client, { scope: "openid customers:read", prompt: "none" })),
  );
  expect(silent.searchParams.get("error")).toBe("consent_required");
  await codeFor(user, client, { scope: "customers:read" });
  const both = asked(client, { scope: "openid customers:read orders:read", prompt: "none" });
  expect(sentTo(await answerRequest(user, both)).searchParams.has("code")).toBe(true);
});

test("what somebody allowed is what they were shown: where a client may do more by then, they are asked anew", async () => {
  const { tenant, user, client } = await world("owner", { scopes: ["orders:read"] });
  const query = asked(client, { scope: "openid orders:read customers:read" });
  const shown = "openid orders:read";
  const question = (await answerRequest(user, query)).json;
  expect(question.consent.allows.map(({ scope }: { scope: string }) => scope).join(" ")).toBe(shown);
  const body = { scopes: ["orders:read", "customers:read"] };
  const params = { oauthClientId: client.id };
  expect((await call("oauth-clients.update", { ...as(tenant), params, body })).status).toBe(200);
  const before = await written();
  for (const seen of [shown, "", "openid orders:read customers:read payments:refund"]) {
    const { next, location } = (await answerRequest(user, query, "allow", { shown: seen })).json;
    expect([next, location], seen).toEqual(["consent", null]);
  }
  const silent = { ...query, prompt: "none" };
  expect(sentTo(await answerRequest(user, silent, "allow", { shown })).searchParams.get("error")).toBe(
    "consent_required",
  );
  expect(grown(before, await written())).toEqual({});
  expect(sentTo(await answerRequest(user, query, "allow")).searchParams.has("code")).toBe(true);
});

test("a user is asked anew for a client of another name or address, and for no other change of it", async () => {
  const { tenant, user, client } = await world();
  await codeFor(user, client);
  await codeFor(user, client, { scope: "customers:read" });
  const params = { oauthClientId: client.id };
  const change = async (body: object) =>
    expect((await call("oauth-clients.update", { ...as(tenant), params, body })).status).toBe(200);
  const next = async (scope = "openid orders:read") =>
    (await answerRequest(user, asked(client, { scope }))).json.next;
  expect((await call("oauth-clients.rotate", { ...as(tenant), params })).status).toBe(200);
  await change({ name: "Route planner", redirectUris: [redirectUri] });
  await change({ scopes: ["orders:read", "customers:read", "tenant:read", "locations:read"] });
  expect(await next()).toBe("redirect");
  for (const body of [
    { name: "Payroll" },
    { redirectUris: [redirectUri, "https://evil.example/callback"] },
    { redirectUris: [redirectUri] },
  ]) {
    await change(body);
    expect(await next(), JSON.stringify(body)).toBe("consent");
    await codeFor(user, client);
    expect(await next()).toBe("redirect");
    // What was allowed to the client as it was before is none of it.
    expect(await next("customers:read")).toBe("consent");
  }
});

test("who says no is sent back with that, the state and the issuer", async () => {
  const { user, client } = await world();
  const to = sentTo(await answerRequest(user, asked(client), "deny"));
  expect(Object.fromEntries(to.searchParams)).toEqual({
    error: "access_denied",
    state: "a state",
    iss: origin,
  });
  expect(to.href.startsWith(`${redirectUri}?`)).toBe(true);
});

test("an old sign-in is not enough for max_age or prompt=login, and prompt=none says so", async () => {
  const { user, client } = await world();
  await codeFor(user, client);
  vi.useFakeTimers({ now: Date.now() + 130_000, toFake: ["Date"] });
  for (const changes of [{ max_age: "60" }, { max_age: "0" }, { prompt: "login" }])
    expect((await answerRequest(user, asked(client, changes), "allow")).json.next).toBe("sign-in");
  const silent = sentTo(await answerRequest(user, asked(client, { max_age: "60", prompt: "none" })));
  expect(silent.searchParams.get("error")).toBe("login_required");
  expect((await answerRequest(user, asked(client, { max_age: "600" }))).json.next).toBe("redirect");
});

const wrongAddress: readonly (readonly [string, string])[] = [
  ["a prefix", "https://planner.example/call"],
  ["more path", "https://planner.example/callback/x"],
  ["another case", "https://planner.example/Callback"],
  ["a trailing slash", "https://planner.example/callback/"],
  ["another port", "https://planner.example:8443/callback"],
  ["a query", "https://planner.example/callback?next=https://evil.example"],
  ["a fragment", "https://planner.example/callback#"],
  ["a user", "https://planner.example@evil.example/callback"],
  ["a subdomain", "https://x.planner.example/callback"],
  ["plain http", "http://planner.example/callback"],
  ["another host", "https://evil.example/callback"],
  ["a script", "javascript:alert(1)"],
  ["nothing", ""],
];

test.each(wrongAddress)("nobody is sent to %s of the redirect URI", async (_, uri) => {
  const { user, client } = await world();
  for (const decision of ["allow", "deny", undefined] as const) {
    const answer = await answerRequest(user, asked(client, { redirect_uri: uri, prompt: "none" }), decision);
    expect([answer.status, answer.text.includes("evil")]).toEqual([422, false]);
  }
});

test("a loopback address may have any port where one is registered, and no other address may", async () => {
  const { user, client } = await world("owner", {
    redirectUris: ["http://127.0.0.1/cb", "https://planner.example/callback"],
  });
  const sent = await answerRequest(user, asked(client, { redirect_uri: "http://127.0.0.1:4711/cb" }), "deny");
  expect(sentTo(sent).port).toBe("4711");
  for (const uri of ["http://localhost:4711/cb", "http://127.0.0.1:4711/other", "http://127.0.0.2:4711/cb"])
    expect((await answerRequest(user, asked(client, { redirect_uri: uri }))).status).toBe(422);
});

test("a parameter that is there twice sends nobody anywhere", async () => {
  const { user, client } = await world();
  const query = new URLSearchParams(asked(client)).toString();
  for (const twice of ["redirect_uri=https://evil.example/", "state=x", "scope=openid", "code_challenge=x"])
    expect((await answerRequest(user, `${query}&${twice}`, "allow")).status).toBe(422);
});

const wrongRequests: readonly (readonly [string, Record<string, string>, string])[] = [
  ["no PKCE", { code_challenge: "", code_challenge_method: "" }, "invalid_request"],
  ["plain PKCE", { code_challenge: verifier, code_challenge_method: "plain" }, "invalid_request"],
  ["a challenge without its method", { code_challenge_method: "" }, "invalid_request"],
  ["a short challenge", { code_challenge: "abc" }, "invalid_request"],
  ["the implicit flow", { response_type: "token" }, "unsupported_response_type"],
  ["the hybrid flow", { response_type: "code id_token" }, "unsupported_response_type"],
  ["no response type", { response_type: "" }, "invalid_request"],
  ["a fragment", { response_mode: "fragment" }, "invalid_request"],
  ["a form", { response_mode: "form_post" }, "invalid_request"],
  ["no scope", { scope: "" }, "invalid_scope"],
  ["an unknown scope", { scope: "everything" }, "invalid_scope"],
  ["the scope of sessions", { scope: "session" }, "invalid_scope"],
  ["more than the client may", { scope: "payments:refund" }, "invalid_scope"],
  ["prompts that contradict", { prompt: "none login" }, "invalid_request"],
  ["a max_age that is none", { max_age: "-1" }, "invalid_request"],
  ["a request object", { request: "x.y.z" }, "request_not_supported"],
  ["a request by address", { request_uri: "https://evil.example/" }, "request_uri_not_supported"],
];

test.each(wrongRequests)("%s is refused at the redirect URI, with the state", async (_, changes, error) => {
  const { user, client } = await world();
  const to = sentTo(await answerRequest(user, asked(client, changes), "allow"));
  expect(Object.fromEntries(to.searchParams)).toEqual({ error, state: "a state", iss: origin });
});

test("a member lets nobody do what they may not do themselves", async () => {
  const { tenant, user, client } = await world("installer", {
    scopes: ["orders:read", "settings:write", "jobs:read"],
  });
  const scope = "openid orders:read settings:write jobs:read";
  const shown = "openid orders:read jobs:read";
  const tokens = await tokensFor(user, client, { scope }, shown);
  expect(tokens.scope).toBe(shown);
  const own = { tenant: tenant.slug, as: tokens.access_token };
  expect((await call("settings.update", { ...own, body: { currency: "SEK" } })).status).toBe(403);
  // The installer sees assigned work alone, and so does who acts for them.
  expect((await call("orders.list", own)).json.data).toEqual([]);
});

test("a client of a tenant that the user is no member of is none that they could be asked for", async () => {
  const { user } = await world();
  const { client } = await world();
  const answer = await answerRequest(user, asked(client), "allow");
  expect([answer.status, answer.json.type]).toEqual([404, "/problems/not-found"]);
  const absent = { clientId: `${client.clientId.slice(0, -4)}0000` };
  expect((await answerRequest(user, asked(absent), "allow")).json.type).toBe("/problems/not-found");
});

test("a client that is not let in by codes is told so, and a removed one is none", async () => {
  const { tenant, user, client } = await world("owner", { grantTypes: ["client_credentials"] });
  const to = sentTo(await answerRequest(user, asked(client), "allow"));
  expect(to.searchParams.get("error")).toBe("unauthorized_client");
  const removed = await newClient(tenant);
  const code = await codeFor(user, removed);
  const params = { oauthClientId: removed.id };
  await call("oauth-clients.remove", { tenant: tenant.slug, as: tenant.key, params });
  expect((await answerRequest(user, asked(removed), "allow")).status).toBe(404);
  expect((await redeem(removed, code)).json.error).toBe("invalid_client");
});

test("an OAuth client's token reaches nothing of the user's own, and lets no other client in", async () => {
  const { tenant, user, client } = await world();
  const token = (await tokensFor(user, client)).access_token;
  for (const name of ["me.get", "me.tenants", "sessions.list", "oauth.clients"])
    expect((await call(name, { as: token })).status, name).toBe(401);
  expect((await answerRequest({ accessToken: token }, asked(client), "allow")).status).toBe(401);
  const { client: foreign, tenant: elsewhere } = await world();
  expect((await answerRequest({ accessToken: token }, asked(foreign), "allow")).status).toBe(401);
  expect((await call("orders.list", { tenant: elsewhere.slug, as: token })).status).toBe(404);
  const body = { refreshToken: (await tokensFor(user, client)).refresh_token, tenant: tenant.slug };
  expect((await call("tokens.refresh", { body })).status).toBe(401);
});

test("userinfo tells what the scope says, and asks for openid", async () => {
  const { user, client } = await world();
  const bare = (await tokensFor(user, client, { scope: "openid" })).access_token;
  const told = await call("oauth.userinfoByPost", { as: bare });
  expect(Object.keys(told.json)).toEqual(["sub"]);
  const without = (await tokensFor(user, client, { scope: "orders:read" })).access_token;
  const refused = await call("oauth.userinfo", { as: without });
  expect([refused.status, refused.json.error]).toEqual([403, "insufficient_scope"]);
  expect(refused.headers.get("www-authenticate")).toContain('scope="openid"');
  expect((await call("oauth.userinfo", { as: user.accessToken })).status).toBe(401);
});
