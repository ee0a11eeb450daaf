import { beforeAll, expect, test } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { newEmail } from "#test/identity/kit.ts";
import { newRole } from "#test/member-examples.ts";
import { as, envWith, newTenant, overtaken } from "#test/world.ts";

const { call } = clientOf();
beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));

test("a role that is removed in the very moment is none to be invited to", async () => {
  const tenant = await newTenant();
  const roleId = await newRole(tenant, ["orders:read"]);
  const race = overtaken(tenant.cell.database, 'insert into "commits"', async () =>
    expect((await call("roles.remove", { ...as(tenant), params: { roleId } })).status).toBe(204),
  );
  const answer = await call("invitations.create", {
    ...as(tenant),
    body: { email: newEmail(), roleId, allLocations: true },
    env: envWith({ CELL_US1: race.database }),
  });
  expect([race.done(), answer.status, answer.json.errors[0].pointer]).toEqual([true, 422, "/roleId"]);
});
