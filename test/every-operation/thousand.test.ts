import { beforeAll, expect, test } from "vitest";
import { noCapabilities } from "#gate/capabilities.ts";
import type { Env } from "#platform/env.ts";
import { type Call, clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { exampleOf, operations, tenantOperations } from "#test/examples.ts";
import { envWith, newTenant, rowsOf, type TestTenant, tapped } from "#test/world.ts";
import { expectSuccess, memberOf, type Principal } from "./trial.ts";

// What a business of a thousand members, and a deployment of a thousand accounts, costs D1 by operation. Where there are few
// rows a plan that goes through all of them looks as good as any other.

const { call } = clientOf();
const most = 1000;
/** Of one round trip. Pages of these examples have twenty rows or fewer, and each some few beside it. */
const mostRead = 200;

/** By hand: what counts all of a business's people, and has the bucket of what is expensive. */
const countsAll = ["members.factorCoverage"];

let tenant: TestTenant;
/** One who sees all of them, and one who is held to a place where half of them are. */
let principals: readonly Principal[] = [];
let env: Env;
/** What was read in each round trip, with what was asked first. */
let trips: { readonly read: number; readonly text: string }[] = [];

beforeAll(async () => {
  tenant = await newTenant("signs", { plan: "enterprise" });
  await growBusiness(tenant);
  await growDeployment();
  principals = [await memberOf(tenant, "owner"), await memberOf(tenant, "manager")];
  const counting = (database: D1Database) =>
    tapped(database, async (texts, run) => {
      const results = await run();
      results.forEach(({ meta }, index) => {
        trips.push({ read: meta.rows_read, text: texts[index] ?? "" });
      });
      return results;
    });
  const { DIRECTORY } = testEnv();
  env = envWith({ CELL_US1: counting(tenant.cell.database), DIRECTORY: counting(DIRECTORY) });
});

const numbers = `with recursive n (i) as (select 1 union all select i + 1 from n where i < ${most})`;
const day = "'2026-01-01T00:00:00.000Z'";
const written = `1, ${day}, ${day}`;
/** An id, like no other of its kind. */
const numbered = (prefix: string) => `'${prefix}_01jd5r0t6vf3h8k2m4n6p8' || printf('%04d', i)`;

// By rows, past our own writing, which is held to a hundred at a time.
async function growBusiness({ cell, tenantId, locationIds }: TestTenant): Promise<void> {
  await rowsOf(
    cell.database,
    `insert into members (tenant_id, id, user_id, role, grants, denials, state, all_locations, version, created_at, updated_at) ${numbers} select ?1, ${numbered("mbr")}, ${numbered("usr")}, 'staff', ?2, ?2, 'active', 0, ${written} from n`,
    tenantId,
    noCapabilities,
  );
  await rowsOf(
    cell.database,
    `insert into member_locations (tenant_id, id, member_id, location_id, version, created_at, updated_at) ${numbers} select ?1, ${numbered("mlo")}, ${numbered("mbr")}, iif(i % 2, ?2, ?3), ${written} from n`,
    tenantId,
    ...locationIds,
  );
}

/** What each account of the deployment has, whose rows all have one owner. */
const ofAccounts: Readonly<Record<string, string>> = {
  users: `(tenant_id, id, name, email, email_token, state, session_epoch, version, created_at, updated_at) ${numbers} select 'platform', ${numbered("usr")}, 'x', 'x', ${numbered("tok")}, 'active', 0, ${written} from n`,
  passwords: `(tenant_id, id, user_id, hash, must_recheck, is_strong, version, created_at, updated_at) ${numbers} select 'platform', ${numbered("pwd")}, ${numbered("usr")}, 'x', 0, 1, ${written} from n`,
  totp_factors: `(tenant_id, id, user_id, secret, state, last_step, version, created_at, updated_at) ${numbers} select 'platform', ${numbered("otp")}, ${numbered("usr")}, 'x', 'active', 0, ${written} from n`,
  recovery_codes: `(tenant_id, id, user_id, hashes, version, created_at, updated_at) ${numbers} select 'platform', ${numbered("rcv")}, ${numbered("usr")}, '[]', ${written} from n`,
  memberships: `(tenant_id, id, user_id, member_tenant_id, version, created_at, updated_at) ${numbers} select 'platform', ${numbered("mem")}, ${numbered("usr")}, (select min(id) from directory_tenants), ${written} from n`,
};

async function growDeployment(): Promise<void> {
  for (const [table, rows] of Object.entries(ofAccounts))
    await rowsOf(testEnv().DIRECTORY, `insert into ${table} ${rows}`);
}

async function costOf(name: string, who: Call): Promise<typeof trips | null> {
  const ask = async () => {
    const input = await exampleOf(name).make(tenant);
    trips = [];
    return await call(name, { ...who, ...input, env });
  };
  // The first may find a gate, or an isolate, with nothing at hand.
  await ask();
  const answer = await ask();
  if (answer.status === 403) return null;
  expectSuccess(name, answer);
  return trips;
}

for (const { name, operation } of tenantOperations) {
  if (operation.form !== "read" || operation.store !== "cell" || countsAll.includes(name)) continue;
  test(`${name} reads what is on its page, and not the thousand members of its business`, async () => {
    for (const { as } of principals) {
      const cost = await costOf(name, { tenant: tenant.slug, as });
      expect(cost?.filter(({ read }) => read > mostRead) ?? []).toEqual([]);
    }
  });
}

for (const { name, operation } of operations) {
  if (operation.mount === "tenant" || operation.store !== "directory" || operation.mount === "protocol")
    continue;
  test(`${name} reads what is one account's, and not the thousand of the deployment`, async () => {
    expect((await costOf(name, {}))?.filter(({ read }) => read > mostRead) ?? []).toEqual([]);
  });
}
