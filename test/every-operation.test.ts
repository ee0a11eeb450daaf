import { beforeAll, expect, test } from "vitest";
import {
  expectForbidden,
  expectSuccess,
  memberOf,
  type Principal,
  tryOut,
} from "#test/every-operation/trial.ts";
import { exampleOf, examplesAmiss, idsIn, operations, tenantOperations } from "#test/examples.ts";
import { roleTable } from "#test/gate/role-table.ts";
import { newTenant, type Role, type TestTenant } from "#test/world.ts";

// What else holds for every operation stands in test/every-operation.
const roles = Object.keys(roleTable) as Role[];
const members = new Map<Role, Principal>();
let tenant: TestTenant;

beforeAll(async () => {
  tenant = await newTenant();
  for (const role of roles) members.set(role, await memberOf(tenant, role));
});

test("every operation has an example, and every example an operation", () => {
  expect(examplesAmiss()).toEqual([]);
});

test("an operation without an example is told where to add one", () => {
  const [some] = operations;
  if (!some) throw new Error("There are no operations.");
  expect(examplesAmiss([...operations, { ...some, name: "orders.duplicate" }])).toEqual([
    "orders.duplicate is never tried: add an example for orders.duplicate to test/examples.ts",
  ]);
});

test("every id that a call may hold is one that the tests swap", () => {
  for (const { name, operation } of operations) {
    const { bodyIds = [], queryIds = [] } = exampleOf(name);
    expect(bodyIds, `name the ids of ${name}'s body in test/examples.ts`).toEqual(idsIn(operation.body));
    const inQuery = queryIds.map((parameter) => `/${parameter}`);
    expect(inQuery, `name the ids of ${name}'s query in test/examples.ts`).toEqual(idsIn(operation.query));
    const placeholders = [...operation.path.matchAll(/\{(\w+Id)\}/g)].map(([, key]) => `/${key}`);
    if (operation.mount === "tenant") expect(idsIn(operation.params), name).toEqual(placeholders);
  }
});

for (const role of roles) {
  for (const { name } of tenantOperations) {
    const { needs } = exampleOf(name);
    const may = needs === "any principal" || roleTable[role].includes(needs);

    test(`${role} ${may ? "may" : "may not"} ${name}`, async () => {
      const member = members.get(role);
      if (!member) throw new Error(`The seed has no ${role}.`);
      if (may) expectSuccess(name, await tryOut(tenant, name, member));
      else await expectForbidden(tenant, name, member);
    });
  }
}
