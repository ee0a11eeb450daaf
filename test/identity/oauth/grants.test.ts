import { afterEach, expect, test, vi } from "vitest";
import { cellKinds } from "#db/retention.ts";
import { deleteExpired } from "#jobs/retention.ts";
import { dayMs, minuteMs } from "#lib/time.ts";
import { fromUtf8 } from "#lib/utf8.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { failingAt } from "#test/failing-commits.ts";
import { codeOf, enrolled, join, newAddress, newUser, signIn } from "#test/identity/kit.ts";
import { as, envWith, memberToken, rowsOf } from "#test/world.ts";
import { grown, written } from "#test/written.ts";
import {
  answerRequest,
  asked,
  codeFor,
  newClient,
  post,
  redeem,
  redirectUri,
  refresh,
  sentTo,
  tokensFor,
  verifier,
  world,
} from "./kit.ts";

const { call } = clientOf();
type World = Awaited<ReturnType<typeof world>>;

afterEach(() => void vi.useRealTimers());

/** Of an access token and a refresh token: is each still taken. */
async function alive({ tenant, client }: Pick<World, "tenant" | "client">, tokens: Record<string, string>) {
  const used = await call("orders.list", { tenant: tenant.slug, as: tokens.access_token ?? "" });
  return [used.status, (await refresh(client, tokens.refresh_token ?? "")).status];
}

test("of twenty redemptions of one code at once one wins, and as its code was seen elsewhere, its tokens die", async () => {
  const { tenant, user, client } = await world();
  const code = await codeFor(user, client);
  const answers = await Promise.all(Array.from({ length: 20 }, () => redeem(client, code)));
  const won = answers.filter(({ status }) => status === 200);
  expect(won).toHaveLength(1);
  for (const { status, json } of answers.filter((each) => !won.includes(each)))
    expect([status, json.error]).toEqual([400, "invalid_grant"]);
  expect(await alive({ tenant, client }, won[0]?.json)).toEqual([401, 400]);
  const rows = await rowsOf(
    tenant.cell.database,
    "select state, generation from oauth_grants where client_id = ?",
    client.id,
  );
  expect(rows).toEqual([{ state: "ended", generation: 1 }]);
});

test("of twenty uses of one refresh token at once one wins, and the grant ends", async () => {
  const { tenant, user, client } = await world();
  const tokens = await tokensFor(user, client);
  const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(client, tokens.refresh_token)));
  const won = answers.filter(({ status }) => status === 200);
  expect(won).toHaveLength(1);
  expect(answers.filter(({ json }) => json.error === "invalid_grant")).toHaveLength(19);
  expect(await alive({ tenant, client }, won[0]?.json)).toEqual([401, 400]);
});

test("who says yes in many windows at once has said it once, and each window has its code", async () => {
  const { tenant, user, client } = await world();
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => answerRequest(user, asked(client), "allow")),
  );
  const codes = answers.map((answer) => sentTo(answer).searchParams.get("code"));
  expect(new Set(codes).size).toBe(8);
  const consents = await rowsOf(
    tenant.cell.database,
    "select id from oauth_consents where client_id = ?",
    client.id,
  );
  expect(consents).toHaveLength(1);
});

test("a code that comes again kills what was issued from it, and nothing else", async () => {
  const { tenant, user, client } = await world();
  const code = await codeFor(user, client);
  const tokens = (await redeem(client, code)).json;
  const other = await tokensFor(user, client);
  expect((await redeem(client, code)).json.error).toBe("invalid_grant");
  expect(await alive({ tenant, client }, tokens)).toEqual([401, 400]);
  expect(await alive({ tenant, client }, other)).toEqual([200, 200]);
});

test("a refresh token that comes again ends its grant", async () => {
  const { tenant, user, client } = await world();
  const first = await tokensFor(user, client);
  const second = (await refresh(client, first.refresh_token)).json;
  expect(second.refresh_token).not.toBe(first.refresh_token);
  expect(await alive({ tenant, client }, { ...second, refresh_token: first.refresh_token })).toEqual([
    200, 400,
  ]);
  expect(await alive({ tenant, client }, second)).toEqual([401, 400]);
});

test("a code is good for a minute", async () => {
  const { user, client } = await world();
  const [early, late] = [await codeFor(user, client), await codeFor(user, client)];
  const now = Date.now();
  vi.useFakeTimers({ now: now + 55_000, toFake: ["Date"] });
  expect((await redeem(client, early)).status).toBe(200);
  vi.setSystemTime(now + 61_000);
  expect((await redeem(client, late)).json.error).toBe("invalid_grant");
});

test("a code is its client's, its address's and its verifier's, and a wrong try leaves it as it was", async () => {
  const { tenant, user, client } = await world();
  const colleague = await newClient(tenant);
  const foreign = (await world()).client;
  const open = await newClient(tenant, { type: "public", grantTypes: ["authorization_code"] });
  const code = await codeFor(user, client);
  const last = code.endsWith("0") ? "1" : "0";
  const own = { grant_type: "authorization_code", code, redirect_uri: redirectUri, code_verifier: verifier };
  const before = await written();
  const tries = [
    await redeem(colleague, code),
    await redeem(foreign, code),
    await post("token", { ...own, client_id: open.clientId }),
    await redeem(client, code, { redirect_uri: `${redirectUri}/` }),
    await redeem(client, code, { redirect_uri: "https://planner.example/" }),
    await redeem(client, code, { code_verifier: `${verifier.slice(0, -1)}j` }),
    await redeem(client, code, { code_verifier: "short" }),
    await redeem(client, code.slice(0, -1) + last),
    await redeem(client, code.replace("_0_", "_1_")),
  ];
  for (const { status, json } of tries) expect([status, json.error]).toEqual([400, "invalid_grant"]);
  for (const left of ["redirect_uri", "code_verifier", "code"]) {
    const { json } = await redeem(client, code, { [left]: "" });
    expect(json.error, left).toBe("invalid_request");
  }
  expect((await post("token", { ...own, client_id: client.clientId })).json.error).toBe("invalid_client");
  expect(grown(before, await written())).toEqual({});
  expect((await redeem(client, code)).status).toBe(200);
});

test("a refresh token is its client's, and asks for no more than was granted", async () => {
  const { tenant, user, client } = await world();
  const tokens = await tokensFor(user, client);
  const colleague = await newClient(tenant);
  expect((await refresh(colleague, tokens.refresh_token)).json.error).toBe("invalid_grant");
  expect((await refresh(client, user.refreshToken)).json.error).toBe("invalid_grant");
  const more = await refresh(client, tokens.refresh_token, { scope: "openid customers:read" });
  expect(more.json.error).toBe("invalid_scope");
  const less = (await refresh(client, tokens.refresh_token, { scope: "openid" })).json;
  expect(less.scope).toBe("openid");
  expect((await call("orders.list", { tenant: tenant.slug, as: less.access_token })).status).toBe(403);
  expect((await refresh(client, less.refresh_token)).json.scope).toBe("openid orders:read");
});

test("a client without refresh_token gets none", async () => {
  const { user, client } = await world("owner", { grantTypes: ["authorization_code"] });
  const tokens = await tokensFor(user, client);
  expect(Object.keys(tokens).toSorted()).toEqual([
    "access_token",
    "expires_in",
    "id_token",
    "scope",
    "token_type",
  ]);
});

const ends: readonly (readonly [string, (world: World) => Promise<unknown>])[] = [
  ["the user signs out", ({ user }) => call("sessions.signOut", { as: user.accessToken })],
  [
    "the user ends the session from another",
    async ({ user }) => {
      const body = { email: user.email, password: user.password };
      const other = (await call("sign-in.password", { body, headers: { "CF-Connecting-IP": "198.18.77.1" } }))
        .json;
      return await call("sessions.end", { as: other.accessToken, params: { sessionId: user.sessionId } });
    },
  ],
  [
    "the user takes it back",
    ({ user, client }) =>
      call("oauth.disconnect", { as: user.accessToken, params: { clientId: client.clientId } }),
  ],
  [
    "the tenant takes it back",
    async ({ tenant, client }) => {
      const params = { oauthClientId: client.id };
      const { data } = (await call("oauth-clients.consents", { ...as(tenant), params })).json;
      const consent = { ...params, oauthConsentId: data[0].id };
      return await call("oauth-clients.revokeConsent", { ...as(tenant), params: consent });
    },
  ],
  [
    "the client may do less",
    ({ tenant, client }) =>
      call("oauth-clients.update", {
        ...as(tenant),
        params: { oauthClientId: client.id },
        body: { scopes: ["orders:read"] },
      }),
  ],
  [
    "the client is removed",
    ({ tenant, client }) =>
      call("oauth-clients.remove", { ...as(tenant), params: { oauthClientId: client.id } }),
  ],
  [
    "the member is suspended",
    async ({ tenant, memberId }) => {
      const { database } = tenant.cell;
      await rowsOf(database, "update members set state = 'suspended' where id = ?", memberId);
      await rowsOf(
        database,
        "update tenant_state set epoch = epoch + 1 where tenant_id = ?",
        tenant.tenantId,
      );
    },
  ],
];

test.each(ends)("no token is taken from the next request on where %s, and no code either", async (_, end) => {
  const here = await world();
  const { tenant, user, client } = here;
  const tokens = await tokensFor(user, client);
  const code = await codeFor(user, client);
  const use = { tenant: tenant.slug, as: tokens.access_token };
  expect((await call("orders.list", use)).status).toBe(200);
  expect((await call("tenants.ping", use)).status).toBe(200);
  await end(here);
  expect((await call("orders.list", use)).status).toBe(401);
  expect((await call("oauth.userinfo", { as: tokens.access_token })).status).toBe(401);
  expect((await refresh(client, tokens.refresh_token)).status).not.toBe(200);
  expect((await redeem(client, code)).status).not.toBe(200);
});

test("what a business asks of its members holds for whoever acts for them: a second factor, and a strong password", async () => {
  const { tenant, user, client } = await world("manager");
  const tokens = await tokensFor(user, client);
  const code = await codeFor(user, client);
  const ask = async (secondFactor: string) => {
    const by = { tenant: tenant.slug, as: await memberToken(tenant, "owner") };
    expect((await call("security-policy.update", { ...by, body: { secondFactor } })).status).toBe(200);
  };
  await ask("everyone");
  // Whoever signed in before goes on.
  const next = (await refresh(client, tokens.refresh_token)).json;
  expect((await redeem(client, code)).status).toBe(200);
  const later = (await signIn(user.email, user.password)).json;
  const problem = async (accessToken: string) =>
    (await answerRequest({ accessToken }, asked(client), "allow")).json.type;
  expect(await problem(later.accessToken)).toBe("/problems/second-factor-enrolment-required");
  await ask("off");
  const weak = await newUser();
  const memberId = await join(weak, tenant, "staff");
  const theirs = await tokensFor(weak, client);
  await rowsOf(tenant.cell.database, "update members set role = 'admin' where id = ?", memberId);
  expect(await problem(weak.accessToken)).toBe("/problems/password-change-required");
  expect((await refresh(client, theirs.refresh_token)).json.error).toBe("invalid_grant");
  expect((await refresh(client, next.refresh_token)).status).toBe(200);
});

test("an OAuth client's token is as old as its user's last proof, also where it is refreshed", async () => {
  const { tenant, user, client } = await world("owner", { scopes: ["settings:write"] });
  const tokens = await tokensFor(user, client, { scope: "settings:write" });
  const change = async (token: string) =>
    (await call("settings.update", { tenant: tenant.slug, as: token, body: { currency: "SEK" } })).json.type;
  expect(await change(tokens.access_token)).toBeUndefined();
  vi.useFakeTimers({ now: Date.now() + 61 * minuteMs, toFake: ["Date"] });
  const { access_token: later } = (await refresh(client, tokens.refresh_token)).json;
  expect(await change(later)).toBe("/problems/step-up-required");
});

test("what a user proves later counts for no client that they let in before, but for one that they let in anew", async () => {
  const { tenant, user, client } = await world("owner", { scopes: ["settings:write"] });
  const scope = "openid settings:write";
  const first = await tokensFor(user, client, { scope });
  const waiting = await codeFor(user, client, { scope });
  const told = (tokens: Record<string, string>) => {
    const [, access = ""] = tokens.access_token?.split(".") ?? [];
    const [, id = ""] = tokens.id_token?.split(".") ?? [];
    const read = (text: string) => {
      const {
        acr,
        amr,
        auth_time: at,
      } = JSON.parse(fromUtf8(Uint8Array.fromBase64(text, { alphabet: "base64url" })));
      return { acr, amr, at };
    };
    expect(read(id)).toEqual(read(access));
    return read(access);
  };
  const before = told(first);
  expect([before.acr, before.amr]).toEqual(["aal1", ["pwd"]]);
  vi.useFakeTimers({ now: Date.now() + 30_000, toFake: ["Date"] });
  const { secret } = await enrolled(user);
  expect(told((await redeem(client, waiting)).json)).toEqual(before);
  vi.setSystemTime(Date.now() + 61 * minuteMs);
  const { accessToken } = (await call("tokens.refresh", { body: { refreshToken: user.refreshToken } })).json;
  const body = { code: codeOf(secret) };
  expect((await call("step-up.prove", { as: accessToken, body, headers: newAddress() })).status).toBe(200);
  const later = (await refresh(client, first.refresh_token)).json;
  expect(told(later)).toEqual(before);
  const change = async (token: string) =>
    (await call("settings.update", { tenant: tenant.slug, as: token, body: { currency: "SEK" } })).json.type;
  expect(await change(later.access_token)).toBe("/problems/step-up-required");
  const anew = await tokensFor({ ...user, accessToken }, client, { scope });
  expect([told(anew).acr, told(anew).at > before.at + 3600]).toEqual(["aal2", true]);
  expect(await change(anew.access_token)).toBeUndefined();
});

test("a grant of before tells of no proof but its user's sign-in", async () => {
  const { tenant, user, client } = await world();
  const { refresh_token: token } = await tokensFor(user, client);
  const { database } = tenant.cell;
  const forgotten =
    "update oauth_grants set proved_at = null, strong_at = null, methods = null where client_id = ?";
  await rowsOf(database, forgotten, client.id);
  const [, payload = ""] = (await refresh(client, token)).json.access_token.split(".");
  const claims = JSON.parse(fromUtf8(Uint8Array.fromBase64(payload, { alphabet: "base64url" })));
  const [session] = await rowsOf(
    testEnv().DIRECTORY,
    "select signed_in_at from sessions where id = ?",
    user.sessionId,
  );
  const signedInAt = Math.floor(Date.parse(String(session?.signed_in_at)) / 1000);
  expect([claims.acr, claims.amr, claims.auth_time]).toEqual(["aal1", [], signedInAt]);
});

test("what a user took back they are asked for anew, and it is in no list of theirs", async () => {
  const { tenant, user, client } = await world();
  const stranger = await newUser();
  await join(stranger, tenant, "viewer");
  await codeFor(user, client);
  const list = async () => (await call("oauth.clients", { as: user.accessToken })).json.data;
  expect(await list()).toEqual([
    expect.objectContaining({
      clientId: client.clientId,
      name: "Route planner",
      scope: "openid orders:read",
    }),
  ]);
  expect((await call("oauth.clients", { as: stranger.accessToken })).json.data).toEqual([]);
  const params = { clientId: client.clientId };
  expect((await call("oauth.disconnect", { as: stranger.accessToken, params })).status).toBe(204);
  expect(await list()).toHaveLength(1);
  expect((await call("oauth.disconnect", { as: user.accessToken, params })).status).toBe(204);
  expect(await list()).toEqual([]);
  expect((await answerRequest(user, asked(client))).json.next).toBe("consent");
});

test("in a session that is over nothing is allowed and nothing taken back", async () => {
  const { tenant, user, client } = await world();
  await codeFor(user, client);
  const other = await newClient(tenant);
  const past = new Date(Date.now() - dayMs).toISOString();
  await testEnv()
    .DIRECTORY.prepare("update sessions set expires_at = ? where id = ?")
    .bind(past, user.sessionId)
    .run();
  const before = await written();
  expect((await answerRequest(user, asked(other), "allow")).status).toBe(401);
  const params = { clientId: client.clientId };
  expect((await call("oauth.disconnect", { as: user.accessToken, params })).status).toBe(401);
  expect(grown(before, await written())).toEqual({});
});

test("a failure at any statement of an authorization, a redemption or a refresh leaves nothing half-done", async () => {
  const { tenant, user, client } = await world();
  const under = tenant.cell.id === "us1" ? "CELL_US1" : "CELL_EU1";
  const everywhere = async (ask: (env: ReturnType<typeof testEnv>) => Promise<{ status: number }>) => {
    const seen = { commits: 0, most: 1 };
    for (let at = 0; at <= seen.most; at += 1) {
      const before = await written();
      const env = envWith({ [under]: failingAt(testEnv()[under] as D1Database, at, seen) });
      expect((await ask(env)).status, `statement ${at}`).toBe(500);
      expect(grown(before, await written()), `statement ${at}`).toEqual({});
    }
    expect(seen.commits).toBe(seen.most + 1);
  };
  await everywhere((env) => answerRequest(user, asked(client), "allow", { env }));
  const code = await codeFor(user, client);
  await everywhere((env) => redeem(client, code, {}, env));
  const tokens = (await redeem(client, code)).json;
  await everywhere((env) => refresh(client, tokens.refresh_token, {}, env));
  const next = await refresh(client, tokens.refresh_token);
  expect(next.status).toBe(200);
  // What would have ended the grant did not, so nothing of it is ended either.
  await everywhere((env) => redeem(client, code, {}, env));
  expect(await alive({ tenant, client }, next.json)).toEqual([200, 200]);
});

test("what was let in, used and ended is in the audit, by whom, and holds no token", async () => {
  const { tenant, user, client, memberId } = await world();
  const code = await codeFor(user, client);
  const tokens = (await redeem(client, code)).json;
  await redeem(client, code);
  const { data, ...rest } = (await call("audit.list", { ...as(tenant), query: { limit: "100" } })).json;
  const told = data
    .filter(({ operation }: { operation: string }) => operation.startsWith("oauth."))
    .map(({ operation, entity, actor }: Record<string, { kind: string; id: string }>) => [
      operation,
      entity,
      actor?.kind,
      actor?.id,
    ]);
  expect(told).toEqual([
    ["oauth.token", "oauth-grant", "client", client.id],
    ["oauth.token", "oauth-grant", "client", client.id],
    ["oauth.authorize", "oauth-grant", "member", memberId],
    ["oauth.authorize", "oauth-consent", "member", memberId],
  ]);
  const text = JSON.stringify([data, rest]);
  for (const token of [code, tokens.access_token, tokens.refresh_token]) expect(text).not.toContain(token);
});

test("what a client does for a member stands in audit, events and log as done by both, and what they do themselves as theirs", async () => {
  const { tenant, user, client, memberId } = await world("owner", {
    scopes: ["customers:read", "customers:write"],
  });
  const { access_token: token } = await tokensFor(user, client, { scope: "openid customers:write" });
  const own = { tenant: tenant.slug, as: await memberToken(tenant, "owner") };
  const create = async (by: object) =>
    String((await call("customers.create", { tenant: tenant.slug, body: { name: "Ada" }, ...by })).json.id);
  const [theirs, mine] = [await create({ as: token }), await create(own)];
  const [grant] = await rowsOf(
    tenant.cell.database,
    "select id from oauth_grants where client_id = ?",
    client.id,
  );
  const chain = [
    { kind: "member", id: memberId, grantId: null },
    { kind: "client", id: client.id, grantId: grant?.id },
  ];
  const actor = { kind: "member", id: memberId };
  for (const [name, query] of [
    ["audit.list", { entityId: theirs }],
    ["events.list", { limit: "100" }],
  ] as const) {
    const { data } = (await call(name, { ...as(tenant), query })).json;
    const entry = data.find((each: { data?: { customerId: string } }) =>
      each.data ? each.data.customerId === theirs : true,
    );
    expect(entry, name).toMatchObject({ actor, actorChain: chain });
  }
  const { data } = (await call("audit.list", { ...as(tenant), query: { entityId: mine } })).json;
  expect(data).toEqual([expect.objectContaining({ actorChain: null })]);
  const leaves = (await call("audit.leaves", { ...as(tenant), query: { limit: "100" } })).json.data;
  const entries = leaves.map(({ entry }: { entry: string }) => JSON.parse(entry));
  const [logged] = entries.filter(({ entity_id: id }: { entity_id: string }) => id === theirs);
  expect(logged.actor_chain).toEqual([
    { kind: "member", id: memberId },
    { kind: "client", id: client.id, grantId: grant?.id },
  ]);
});

test("grants whose time is over go a day later, and no other", async () => {
  const { tenant, user, client } = await world();
  await codeFor(user, client);
  await tokensFor(user, client);
  const { database } = tenant.cell;
  const left = async () =>
    (await rowsOf(database, "select state from oauth_grants where client_id = ?", client.id)).map(
      ({ state }) => state,
    );
  await deleteExpired(database, Date.now() + dayMs, cellKinds);
  expect((await left()).toSorted()).toEqual(["active", "code"]);
  await deleteExpired(database, Date.now() + dayMs + 2 * minuteMs, cellKinds);
  expect(await left()).toEqual(["active"]);
  await deleteExpired(database, Date.now() + 16 * dayMs, cellKinds);
  expect(await left()).toEqual([]);
});
