import { beforeAll, expect, test } from "vitest";
import { asksForFactor } from "#identity/factors/policy-rules.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import {
  challengeOf,
  codeOf,
  enrolled,
  join,
  newAddress,
  newEnrolled,
  newUser,
  signIn,
} from "#test/identity/kit.ts";
import { envWith, memberToken, newTenant, overtaken, type TestTenant } from "#test/world.ts";

const { call } = clientOf();
let tenant: TestTenant;

beforeAll(async () => {
  tenant = await newTenant();
});

// As those of owners and admins must be.
const strong = "Four quiet lanterns drift, 7!";

type Asked = "off" | "elevated" | "everyone";

async function ask(secondFactor: Asked): Promise<void> {
  const as = await memberToken(tenant, "owner");
  const answer = await call("security-policy.update", { tenant: tenant.slug, as, body: { secondFactor } });
  expect(answer.status, answer.text).toBe(200);
}

const tokenOf = (refreshToken: string) =>
  call("tokens.refresh", { body: { refreshToken, tenant: tenant.slug } });

test("of two that set the policy for the first time one row is made, and neither fails", async () => {
  const fresh = await newTenant();
  const as = await memberToken(fresh, "owner");
  const set = (env = testEnv()) =>
    call("security-policy.update", { tenant: fresh.slug, as, body: { secondFactor: "off" }, env });
  const answers: number[] = [];
  const late = overtaken(fresh.cell.database, 'insert into "security_policies"', async () =>
    answers.push((await set()).status),
  );
  const name = `CELL_${fresh.cell.id.toUpperCase()}`;
  answers.push((await set(envWith({ [name]: late.database }))).status);
  expect(answers).toEqual([200, 200]);
});

test("from the next sign-in on, whoever is asked for a second factor enrols before any token of the tenant", async () => {
  const before = await newUser();
  await join(before, tenant, "staff");
  await ask("everyone");
  // Whoever signed in before goes on.
  const kept = await tokenOf(before.refreshToken);
  expect(kept.status).toBe(200);

  const { json: later } = await signIn(before.email);
  expect((await tokenOf(later.refreshToken)).json.type).toBe("/problems/second-factor-enrolment-required");
  // Their own account is open, and so is the way out.
  expect((await call("me.tenants", { as: later.accessToken })).status).toBe(200);
  const { secret } = await enrolled({ ...before, ...later });
  expect((await tokenOf(later.refreshToken)).status).toBe(200);

  const { json } = await call("sign-in.secondFactor", {
    body: { challenge: await challengeOf(before), code: codeOf(secret) },
    headers: newAddress(),
  });
  const minted = await tokenOf(json.refreshToken);
  expect(minted.status).toBe(200);
  const read = await call("locations.list", { tenant: tenant.slug, as: minted.json.accessToken });
  expect(read.status).toBe(200);
  await ask("off");
});

test("where owners and admins alone are asked, staff are not", async () => {
  await ask("elevated");
  const staff = await newUser();
  await join(staff, tenant, "staff");
  expect((await tokenOf(staff.refreshToken)).status).toBe(200);
  const admin = await newUser(strong);
  await join(admin, tenant, "admin");
  const refused = await tokenOf(admin.refreshToken);
  expect(refused).toMatchObject({
    status: 403,
    json: { type: "/problems/second-factor-enrolment-required" },
  });
  expect(refused.json).not.toHaveProperty("accessToken");
  await ask("off");
  expect((await tokenOf((await signIn(admin.email, strong)).json.refreshToken)).status).toBe(200);
});

test("asking more people, or fewer, lets nobody go on who was asked before", async () => {
  await ask("elevated");
  const admin = await newUser(strong);
  await join(admin, tenant, "admin");
  for (const next of ["everyone", "elevated", "everyone"] as const) {
    await ask(next);
    expect((await tokenOf(admin.refreshToken)).status).toBe(403);
  }
  await ask("off");
});

test("another tenant's policy asks nothing here", async () => {
  const neighbour = await newTenant();
  await ask("everyone");
  const user = await newUser(strong);
  await join(user, neighbour, "owner");
  await join(user, tenant, "owner");
  const at = (slug: string) =>
    call("tokens.refresh", { body: { refreshToken: user.refreshToken, tenant: slug } });
  expect((await at(tenant.slug)).status).toBe(403);
  expect((await at(neighbour.slug)).status).toBe(200);
  await ask("off");
});

test("a member who takes their authenticator away is asked again at once", async () => {
  await ask("everyone");
  const user = await newEnrolled();
  await join(user, tenant, "staff");
  const { json } = await call("sign-in.secondFactor", {
    body: { challenge: await challengeOf(user), code: codeOf(user.secret) },
    headers: newAddress(),
  });
  expect((await tokenOf(json.refreshToken)).status).toBe(200);
  await call("totp.remove", { as: user.accessToken, params: { totpId: user.totpId } });
  const back = await signIn(user.email);
  expect((await tokenOf(back.json.refreshToken)).status).toBe(403);
  await ask("off");
});

test.each<[Asked, string, string, boolean]>([
  ["off", "owner", "2026-06-02", false],
  ["elevated", "owner", "2026-06-02", true],
  ["elevated", "admin", "2026-06-02", true],
  ["elevated", "manager", "2026-06-02", false],
  ["everyone", "viewer", "2026-06-02", true],
  ["everyone", "viewer", "2026-06-01", true],
  ["everyone", "owner", "2026-05-31", false],
])("%s asks a member who is %s and signed in at %s: %s", (secondFactor, role, day, expected) => {
  const since = "2026-06-01T00:00:00.000Z";
  const member = { role, secondFactor, secondFactorSince: since };
  expect(asksForFactor(member, `${day}T00:00:00.000Z`)).toBe(expected);
});

test("of two who decide at once both are answered, and one row is there", async () => {
  const own = await newTenant();
  const as = await memberToken(own, "owner");
  const decide = (secondFactor: Asked) =>
    call("security-policy.update", { tenant: own.slug, as, body: { secondFactor } });
  const answers = await Promise.all([decide("elevated"), decide("everyone")]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  const { json } = await call("security-policy.get", { tenant: own.slug, as });
  expect(answers.map((each) => each.json.secondFactor)).toContain(json.secondFactor);
});
