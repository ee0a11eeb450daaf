import { beforeAll, expect, test } from "vitest";
import type { Env } from "#platform/env.ts";
import { type Call, clientOf } from "#test/client.ts";
import { comparable } from "#test/comparable.ts";
import { counted } from "#test/counted.ts";
import { exampleOf, tenantOperations } from "#test/examples.ts";
import { newIssuer, newOrganization, newPerson, type TestIssuer } from "#test/outside.ts";
import { newTenant, type TestTenant } from "#test/world.ts";
import { grown, written } from "#test/written.ts";
import { expectSuccess, looksAcross, looksBeside, tellsDirectory } from "./trial.ts";

const { call } = clientOf();
const { env: countedEnv, counts, reset } = counted();

let issuer: TestIssuer;
let env: Env;
let tenant: TestTenant;
let foreign: TestTenant;
let organization: string;
let subject: string;

beforeAll(async () => {
  [issuer, tenant, foreign] = [await newIssuer(), await newTenant(), await newTenant()];
  const { DIRECTORY, GATES, CELL_US1, AUDIT_EVENTS_US1 } = countedEnv;
  env = issuer.env({ DIRECTORY, GATES, CELL_US1, AUDIT_EVENTS_US1 });
  organization = await newOrganization(issuer, tenant);
  subject = await newPerson(issuer, organization, tenant, "owner");
});

for (const { name, operation } of tenantOperations) {
  const isRead = operation.form === "read";
  const ofClaims = tellsDirectory.includes(name) ? 2 : 0;
  const most =
    (operation.form === "effect" ? 4 : 2) + (looksAcross[name] ? 1 : 0) + (looksBeside[name] ?? 0) + ofClaims;
  const trips = operation.store === "none" ? 0 : isRead ? (operation.store === "log" ? 2 : 1) : most;

  test(`${name} by an outside token that is known costs what it costs by one of ours: one hop, ${trips} trips at most`, async () => {
    const input = await exampleOf(name).make(tenant);
    expectSuccess("tenants.get", await ask("tenants.get", {}));
    expectSuccess(name, await ask(name, input));
    const [first, ...more] = counts.hops;
    expect([first, counts.objects[0]]).toEqual(["enter", tenant.memberIds.owner]);
    expect(more.every((hop) => hop === "forget")).toBe(true);
    expect(counts.trips.length).toBeLessThanOrEqual(trips);
    expect(counts.trips.join()).not.toContain("outside_organization_claims");
  });

  test(`${name}: an outside token finds another tenant as absent, and a stranger's is none`, async () => {
    const input = await exampleOf(name).make(foreign);
    const before = await written();
    const absent = await ask(name, { ...input, tenant: "nobody-has-this-slug" });
    expect(absent.status).toBe(404);
    for (const place of [foreign.slug, foreign.tenantId])
      expect(comparable(await ask(name, { ...input, tenant: place }))).toBe(comparable(absent));
    for (const who of [{ subject: "user_stranger" }, { organization: "org_stranger" }]) {
      const as = await token(who);
      for (const place of [tenant.slug, foreign.slug])
        expect((await ask(name, { ...input, tenant: place, as })).status).toBe(401);
    }
    expect(grown(before, await written())).toEqual({});
  });
}

async function ask(name: string, input: Call) {
  const as = await token({});
  reset();
  return await call(name, { tenant: tenant.slug, as, env, ...input });
}

function token(changes: { subject?: string; organization?: string }): Promise<string> {
  return issuer.token({ organization, subject, role: "org:boss", ...changes });
}
