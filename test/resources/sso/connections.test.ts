import { expect, test } from "vitest";
import { systemSession } from "#db/open-tenant.ts";
import { ssoConnections } from "#gate/sso-tables.ts";
import { testEnv } from "#test/env.ts";
import { as, envWith, memberToken, newTenant, rowsOf } from "#test/world.ts";
import { call, listed, newConnection, newConnectionBody, newName } from "./kit.ts";

const { clientSecret } = newConnectionBody;

test("a connection's secret goes in sealed, and is in no answer, audit row or event", async () => {
  const tenant = await newTenant();
  const headers = { "Idempotency-Key": "once" };
  const create = () => call("sso-connections.create", { ...as(tenant), body: newConnectionBody, headers });
  const [created, replayed] = [await create(), await create()];
  expect([created.status, replayed.status]).toEqual([201, 201]);
  expect(replayed.headers.get("idempotency-replayed")).toBe("true");
  const params = { connectionId: created.json.id };
  const next = "another-secret-of-the-issuer";
  const changed = await call("sso-connections.update", {
    ...as(tenant),
    params,
    body: { clientSecret: next },
  });
  const answers = [
    created,
    replayed,
    changed,
    await call("sso-connections.get", { ...as(tenant), params }),
    await call("sso-connections.list", as(tenant)),
    await call("events.list", { ...as(tenant), query: { after: "0" } }),
  ];
  for (const { status, text } of answers) {
    expect(status).toBeLessThan(300);
    expect(text).not.toMatch(/secret-of|what-the-issuer-gave|clientSecret/);
  }
  const { database } = tenant.cell;
  const kept = await rowsOf(database, "select * from audit_log where tenant_id = ?", tenant.tenantId);
  const records = await rowsOf(database, "select * from idempotency where tenant_id = ?", tenant.tenantId);
  const rows = await rowsOf(database, "select * from sso_connections where tenant_id = ?", tenant.tenantId);
  const audited = kept.filter(({ entity }) => entity === "sso-connection");
  expect([audited.length, records.length, rows.length]).toEqual([2, 1, 1]);
  for (const secret of [clientSecret, next])
    expect(JSON.stringify([kept, records, rows])).not.toContain(secret);
  expect(rows[0]?.client_secret).toMatch(/^v1\./);
  const session = await systemSession(testEnv(), database, tenant.tenantId);
  expect((await session.get(ssoConnections, created.json.id))?.clientSecret).toBe(next);
});

test("another issuer is never sent the secret of the one before", async () => {
  const tenant = await newTenant();
  const params = { connectionId: (await newConnection(tenant)).id };
  const change = (body: object) => call("sso-connections.update", { ...as(tenant), params, body });
  const refused = await change({ issuer: "https://elsewhere.example" });
  expect([refused.status, refused.json.errors[0].pointer]).toEqual([422, "/clientSecret"]);
  const read = await call("sso-connections.get", { ...as(tenant), params });
  expect([read.json.issuer, read.json.version]).toEqual([newConnectionBody.issuer, 1]);
  const moved = await change({ issuer: "https://elsewhere.example", clientSecret: "its-own" });
  expect([moved.status, moved.json.issuer]).toEqual([200, "https://elsewhere.example"]);
});

test("an issuer is https at a public name, without a query, in one spelling", async () => {
  const tenant = await newTenant();
  const { id: connectionId } = await newConnection(tenant);
  for (const issuer of [
    "http://login.example",
    "https://10.0.0.1",
    "https://localhost",
    "https://login.internal",
    "https://a-10-0-0-1-end.dns.example",
    "https://ada@login.example",
    "https://login.example?tenant=1",
    "https://login.example?",
    "https://login.example#x",
    "https://LOGIN.example",
    "https://login.example:443/",
    "https://login.example/a/../b",
    "login.example",
  ]) {
    const body = { ...newConnectionBody, issuer };
    const created = await call("sso-connections.create", { ...as(tenant), body });
    expect([issuer, created.status, created.json.errors?.[0].pointer]).toEqual([issuer, 422, "/issuer"]);
    const params = { connectionId };
    const patch = { issuer, clientSecret: "another" };
    const changed = await call("sso-connections.update", { ...as(tenant), params, body: patch });
    expect([issuer, changed.status]).toEqual([issuer, 422]);
  }
  for (const issuer of [
    "https://login.example",
    "https://login.example/",
    "https://login.example:8443/t/v2.0",
  ])
    expect((await newConnection(tenant, { issuer })).id).toMatch(/^sso_/);
});

test("localhost is an issuer in local development alone", async () => {
  const tenant = await newTenant();
  const body = { ...newConnectionBody, issuer: "http://localhost:9000" };
  const create = (changes: object) =>
    call("sso-connections.create", { ...as(tenant), body, env: envWith({ ...changes }) });
  expect((await create({})).status).toBe(422);
  expect((await create({ WEBHOOKS_TO_LOCALHOST: "true" })).status).toBe(201);
});

test("of ten connections made at once there are five", async () => {
  const tenant = await newTenant();
  const answers = await Promise.all(
    Array.from({ length: 10 }, () =>
      call("sso-connections.create", { ...as(tenant), body: newConnectionBody }),
    ),
  );
  expect(answers.map(({ status }) => status).toSorted()).toEqual([
    ...Array(5).fill(201),
    ...Array(5).fill(409),
  ]);
  for (const { json } of answers.filter(({ status }) => status === 409))
    expect(json.type).toBe("/problems/too-many-sso-connections");
  const rows = await rowsOf(
    tenant.cell.database,
    "select id from sso_connections where tenant_id = ?",
    tenant.tenantId,
  );
  expect(rows).toHaveLength(5);
});

test("nobody is made an owner or admin by an issuer, nor sets one up who may do less than an admin", async () => {
  const tenant = await newTenant();
  const create = (by: string, changes: object) =>
    call("sso-connections.create", {
      tenant: tenant.slug,
      as: by,
      body: { ...newConnectionBody, ...changes },
    });
  for (const defaultRole of ["owner", "admin", "employee", "nobody"]) {
    const refused = await create(tenant.key, { defaultRole });
    expect([refused.status, refused.json.errors[0].pointer]).toEqual([422, "/defaultRole"]);
  }
  // By an issuer of their own somebody could come in as an admin.
  const narrow = await memberToken(tenant, "owner", { scope: "security:write orders:read" });
  const exceeded = [422, "/problems/scopes-exceed-creator"];
  const made = await create(narrow, {});
  expect([made.status, made.json.type]).toEqual(exceeded);
  const { id: connectionId } = await newConnection(tenant);
  const body = { issuer: "https://else.example", clientSecret: "another" };
  const by = { tenant: tenant.slug, as: narrow };
  const patched = await call("sso-connections.update", { ...by, params: { connectionId }, body });
  expect([patched.status, patched.json.type]).toEqual(exceeded);
  const { id: domainId } = await listed(tenant, connectionId, newName());
  const moved = await call("sso-domains.update", { ...by, params: { domainId }, body: { connectionId } });
  expect([moved.status, moved.json.type]).toEqual(exceeded);
});

test("who is held to an address sets up no issuer, which is held to none", async () => {
  const tenant = await newTenant();
  const body = { name: "Till", scopes: ["security:write"], ipAllowList: ["127.0.0.1/32"] };
  const { json } = await call("api-keys.create", { ...as(tenant), body });
  const by = { tenant: tenant.slug, as: json.key, headers: { "cf-connecting-ip": "127.0.0.1" } };
  const { id: connectionId } = await newConnection(tenant);
  const { id: domainId } = await listed(tenant, connectionId, newName());
  for (const [operation, input] of [
    ["sso-connections.create", { body: newConnectionBody }],
    ["sso-connections.update", { params: { connectionId }, body: { state: "off" } }],
    ["sso-connections.remove", { params: { connectionId } }],
    ["sso-domains.create", { body: { domain: newName(), connectionId } }],
    ["sso-domains.verify", { params: { domainId } }],
    ["sso-domains.update", { params: { domainId }, body: { isEnforced: false } }],
    ["sso-domains.remove", { params: { domainId } }],
  ] as const) {
    const refused = await call(operation, { ...by, ...input });
    expect([operation, refused.status, refused.json.type]).toEqual([operation, 403, "/problems/forbidden"]);
  }
});

test("a connection with a domain stays, and If-Match holds a change to a version", async () => {
  const tenant = await newTenant();
  const { id: connectionId } = await newConnection(tenant);
  const params = { connectionId };
  const { id: domainId } = await listed(tenant, connectionId, newName());
  const remove = (headers = {}) => call("sso-connections.remove", { ...as(tenant), params, headers });
  const refused = await remove();
  expect([refused.status, refused.json.type]).toEqual([409, "/problems/connection-in-use"]);
  const change = (tag: string) =>
    call("sso-connections.update", {
      ...as(tenant),
      params,
      body: { state: "off" },
      headers: { "If-Match": tag },
    });
  expect((await change('"2"')).status).toBe(412);
  const off = await change('"1"');
  expect([off.status, off.json.state, off.headers.get("etag")]).toEqual([200, "off", '"2"']);
  expect((await call("sso-domains.remove", { ...as(tenant), params: { domainId } })).status).toBe(204);
  expect((await remove({ "If-Match": '"1"' })).status).toBe(412);
  expect((await remove()).status).toBe(204);
  const told = await rowsOf<{ type: string }>(
    tenant.cell.database,
    "select type from events where tenant_id = ? and type like 'sso%' order by seq",
    tenant.tenantId,
  );
  expect(told.map(({ type }) => type)).toEqual([
    "sso_connection.created",
    "sso_connection.updated",
    "sso_domain.deleted",
    "sso_connection.deleted",
  ]);
});

test("a domain that is listed and its connection that is removed at once leave no domain without one", async () => {
  const tenant = await newTenant();
  for (let round = 0; round < 5; round += 1) {
    const { id: connectionId } = await newConnection(tenant);
    const [made, gone] = await Promise.all([
      call("sso-domains.create", { ...as(tenant), body: { connectionId, domain: newName() } }),
      call("sso-connections.remove", { ...as(tenant), params: { connectionId } }),
    ]);
    expect([
      [201, 409],
      [422, 204],
    ]).toContainEqual([made.status, gone.status]);
    if (made.status === 422) expect(made.json.errors[0].pointer).toBe("/connectionId");
    else await call("sso-domains.remove", { ...as(tenant), params: { domainId: made.json.id } });
    await call("sso-connections.remove", { ...as(tenant), params: { connectionId } });
  }
});
