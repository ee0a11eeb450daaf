import { beforeAll, expect, test } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { join, newUser } from "#test/identity/kit.ts";
import { newMember } from "#test/member-examples.ts";
import { membershipEvent, newIssuer, newOrganization } from "#test/outside.ts";
import { listed, newConnection, newName, setTxt } from "#test/resources/sso/kit.ts";
import { as, rowsOf } from "#test/world.ts";
import { alertsOf, newWatched, type Watched, wake } from "./kit.ts";

const { call, send } = clientOf();
beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));

/** Kind, subject and count of each alert, by kind. */
async function found(tenant: Watched): Promise<unknown[]> {
  await wake(tenant);
  return (await alertsOf(tenant)).map((row) => [row.kind, row.subject_id, row.count]);
}

async function done(answer: Promise<{ status: number; text: string }>, status = 200): Promise<void> {
  const { status: is, text } = await answer;
  expect(is, text).toBe(status);
}

test("an owner and an admin whom an outside issuer makes", async () => {
  const tenant = await newWatched();
  const issuer = await newIssuer();
  const organization = await newOrganization(issuer, tenant);
  for (const role of ["org:boss", "org:admin", "org:guest"]) {
    const subject = `user_${newId("x").slice(2)}`;
    const { body, headers } = await issuer.message(
      membershipEvent("created", { organization, subject, role }),
    );
    const url = `https://api.keyline.example/issuers/${issuer.name}/webhooks`;
    await done(send(new Request(url, { method: "POST", headers, body }), issuer.env()), 204);
  }
  const ofRole = (role: string) =>
    rowsOf<{ id: string }>(
      tenant.cell.database,
      "select id from members where tenant_id = ? and role = ? order by id desc limit 1",
      tenant.tenantId,
      role,
    );
  const [[owner], [admin]] = [await ofRole("owner"), await ofRole("admin")];
  expect(await found(tenant)).toEqual([
    ["owner-changed", owner?.id, 1],
    ["admin-added", admin?.id, 1],
  ]);
});

test("of who opens a sandbox, and owns it, nobody is told", async () => {
  const tenant = await newWatched();
  const user = await newUser("17 Purple otters hum beyond the harbour!");
  await join(user, tenant, "owner");
  const body = { refreshToken: user.refreshToken, tenant: tenant.slug };
  const { accessToken } = (await call("tokens.refresh", { body })).json;
  const { json, text } = await call("sandbox.open", { tenant: tenant.slug, as: accessToken });
  expect(json.tenantId, text).toMatch(/^ten_/);
  const sandbox = { ...tenant, tenantId: json.tenantId, oldAlertId: "" };
  expect(await found(sandbox)).toEqual([]);
});

test("who becomes an admin, anew and again, and not who was an owner or is one still", async () => {
  const tenant = await newWatched();
  const { memberId } = await newMember(tenant, { role: "manager" }, null);
  const other = await newMember(tenant, { role: "owner" }, null, "cli.seed");
  const params = { memberId };
  const becomes = (role: string, id = memberId) =>
    done(
      call("members.update", { ...as(tenant), params: { memberId: id }, body: { role, allLocations: true } }),
    );
  await becomes("sales");
  expect(await found(tenant)).toEqual([]);
  await becomes("admin");
  expect(await found(tenant)).toEqual([["admin-added", memberId, 1]]);
  await done(call("members.suspend", { ...as(tenant), params, body: {} }));
  await done(call("members.reinstate", { ...as(tenant), params, body: {} }));
  expect(await found(tenant)).toEqual([["admin-added", memberId, 2]]);
  await becomes("admin", other.memberId);
  expect(await found(tenant)).toEqual([
    ["admin-added", memberId, 2],
    ["owner-changed", other.memberId, 1],
  ]);
});

test("what a role or a member is given of what admins alone have, and not what others have as well", async () => {
  const tenant = await newWatched();
  const role = (capabilities: string[]) => ({
    ...as(tenant),
    body: { name: `Role ${newId("x")}`, capabilities },
  });
  await done(
    call("roles.create", role(["customers:read", "orders:write", "products:write", "audit:read"])),
    201,
  );
  expect(await found(tenant)).toEqual([]);
  const { json } = await call("roles.create", role(["orders:read", "privacy:write"]));
  expect(await found(tenant)).toEqual([["rights-added", json.id, 1]]);
  const params = { roleId: json.id };
  const change = (capabilities: string[]) =>
    done(call("roles.update", { ...as(tenant), params, body: { capabilities } }));
  await change(["privacy:write"]);
  expect(await found(tenant)).toEqual([["rights-added", json.id, 1]]);
  await change(["privacy:write", "members:write"]);
  expect(await found(tenant)).toEqual([["rights-added", json.id, 2]]);
  const { memberId } = await newMember(tenant, { role: "sales" }, null);
  const grant = (grants: string[]) =>
    done(call("members.update", { ...as(tenant), params: { memberId }, body: { grants } }));
  await grant(["jobs:read"]);
  await grant(["jobs:read", "settings:write"]);
  expect(await found(tenant)).toEqual([
    ["rights-added", json.id, 2],
    ["rights-added", memberId, 1],
  ]);
});

test("a security policy that asks for less, whatever of it, and not one that asks for more", async () => {
  const tenant = await newWatched();
  const at = { ...as(tenant), headers: { "CF-Connecting-IP": "198.51.100.77" } };
  const policy = (body: object) =>
    done(call("security-policy.update", { ...at, body: { secondFactor: "off", ...body } }));
  const list = (networks: string[]) => done(call("ip-allow-list.update", { ...at, body: { networks } }));
  let count = 0;
  const stays = async () => expect(await found(tenant)).toEqual([["policy-relaxed", null, count]]);
  const isTold = async () => {
    count += 1;
    await stays();
  };
  // By the first policy there is.
  await rowsOf(tenant.cell.database, "delete from security_policies where tenant_id = ?", tenant.tenantId);
  await policy({ allowsSms: true });
  await isTold();
  await policy({ allowsSms: false });
  await policy({ longestKeyAge: 365 });
  await policy({ longestKeyAge: 90 });
  await list(["0.0.0.0/0", "::/0"]);
  await list(["198.51.100.0/24", "::/0"]);
  await stays();
  await policy({ longestKeyAge: 91 });
  await isTold();
  await policy({ longestKeyAge: null });
  await isTold();
  await policy({ allowsSms: true });
  await isTold();
  await list(["198.51.100.0/24", "203.0.113.0/24", "::/0"]);
  await isTold();
  await list([]);
  await isTold();
});

test("a connection or a domain by which people sign in, from its beginning to its end", async () => {
  const tenant = await newWatched();
  const { id: connectionId } = await newConnection(tenant);
  expect(await found(tenant)).toEqual([["sso-changed", connectionId, 1]]);
  const ofConnection = { ...as(tenant), params: { connectionId } };
  await done(call("sso-connections.update", { ...ofConnection, body: { addsMembers: true } }));
  const { id: domainId, recordName, recordValue } = await listed(tenant, connectionId, newName());
  const ofDomain = { ...as(tenant), params: { domainId } };
  expect((await call("sso-domains.verify", ofDomain)).status).toBe(409);
  await setTxt(recordName, recordValue);
  await done(call("sso-domains.verify", ofDomain));
  expect(await found(tenant)).toEqual([
    ["sso-changed", connectionId, 2],
    ["sso-changed", domainId, 2],
  ]);
  // Verified again, it is what it was.
  await done(call("sso-domains.verify", ofDomain));
  expect((await found(tenant)).at(-1)).toEqual(["sso-changed", domainId, 2]);
  await done(call("sso-domains.update", { ...ofDomain, body: { isEnforced: true } }));
  await done(call("sso-domains.remove", ofDomain), 204);
  await done(call("sso-connections.remove", ofConnection), 204);
  expect(await found(tenant)).toEqual([
    ["sso-changed", connectionId, 3],
    ["sso-changed", domainId, 4],
  ]);
});
