import { beforeAll, expect, test } from "vitest";
import { type Capability, isCapability, maskOf, parseMask } from "#gate/capabilities.ts";
import { counted, nothing } from "#test/counted.ts";
import { exampleOf, tenantOperations } from "#test/examples.ts";
import { roleTable } from "#test/gate/role-table.ts";
import { newTenant, type TestTenant } from "#test/world.ts";
import { asksForMore } from "./asks-for-more.ts";
import { expectForbidden, expectSuccess, keyOf, memberOf, type Principal, tryOut } from "./trial.ts";

let tenant: TestTenant;
/** Keys that hold this capability alone, and all but this one. */
const keys = new Map<string, { alone: Principal; lacking: Principal }>();

beforeAll(async () => {
  tenant = await newTenant();
  for (const capability of new Set(tenantOperations.map(({ name }) => exampleOf(name).needs))) {
    if (!isCapability(capability)) continue;
    keys.set(capability, {
      alone: await keyOf(tenant, maskOf([capability])),
      lacking: await keyOf(tenant, maskOf(allBut(capability))),
    });
  }
});

for (const { name, operation } of tenantOperations) {
  const { needs } = exampleOf(name);

  test(`${name} is refused without credentials, and nothing is asked of any store`, async () => {
    const { env, counts } = counted();
    for (const as of ["", "kl_live_us1", "not-a-key", `${tenant.key}u`, "eyJhbGciOiJub25lIn0.e30."]) {
      const answer = await tryOut(tenant, name, { id: "", as }, { env });
      expect(answer.status, answer.text).toBe(401);
      expect(answer.json.type).toBe("/problems/unauthorized");
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
      expect(answer.headers.get("ratelimit")).toBeNull();
    }
    expect(counts).toEqual(nothing());
  });

  if (!isCapability(needs)) continue;

  const more = asksForMore[name];

  test(`${name} takes a key of ${needs} ${more ? `with all that an ${more.of} holds` : "alone"}, and none that lacks it`, async () => {
    const alone = await tryOut(tenant, name, keyFor(needs).alone);
    if (more) {
      expect([alone.status, alone.json.type]).toEqual(more.alone);
      expectSuccess(name, await tryOut(tenant, name, await memberOf(tenant, more.of)));
    } else expectSuccess(name, alone);
    await expectForbidden(tenant, name, keyFor(needs).lacking);
  });

  test(`${name} takes an owner's token no further than its scope`, async () => {
    const scope = more ? [...roleTable[more.of]].join(" ") : needs;
    expectSuccess(name, await tryOut(tenant, name, await memberOf(tenant, "owner", scope)));
    await expectForbidden(tenant, name, await memberOf(tenant, "owner", allBut(needs).join(" ")));
    await expectForbidden(tenant, name, await memberOf(tenant, "owner", "everything * orders"));
  });

  test(`${name} says nothing of its shapes to who may not call it`, async () => {
    const isRead = operation.method === "get";
    const shapeless = { query: { surprise: "1" }, body: isRead ? undefined : { surprise: 1 } };
    await expectForbidden(tenant, name, keyFor(needs).lacking);
    const answer = await tryOut(tenant, name, keyFor(needs).lacking, shapeless);
    expect([answer.status, answer.json.errors]).toEqual([403, undefined]);
  });
}

for (const name of ["settings.update", "customers.create"]) {
  const { needs } = exampleOf(name);

  test(`${name}: rights that moved since the gate read them are read again before a refusal`, async () => {
    const lacking = isCapability(needs) ? keyFor(needs).lacking : null;
    await tryOut(tenant, "tenants.ping", lacking);
    // Any change of somebody's rights moves the tenant's epoch, and with it every gate's.
    await keyOf(tenant, maskOf(["orders:read"]));
    const answer = await tryOut(tenant, name, lacking);
    expect(answer.status, answer.text).toBe(403);
  });
}

test("a token's scope adds nothing to what the member's role holds", async () => {
  const viewer = await memberOf(tenant, "viewer", [...roleTable.owner].join(" "));
  await expectForbidden(tenant, "orders.create", viewer);
  await expectForbidden(tenant, "settings.update", viewer);
});

test("a key's mask with unknown bits holds no more than what this version knows", async () => {
  const unknownBits = parseMask("f".repeat(16) + "0".repeat(16));
  if (!unknownBits) throw new Error("That is a mask.");
  const key = await keyOf(tenant, unknownBits);
  for (const { name } of tenantOperations)
    if (isCapability(exampleOf(name).needs)) await expectForbidden(tenant, name, key);
});

function keyFor(capability: string): { alone: Principal; lacking: Principal } {
  const found = keys.get(capability);
  if (!found) throw new Error(`No key was made for ${capability}.`);
  return found;
}

function allBut(capability: string): Capability[] {
  return roleTable.owner.filter(isCapability).filter((each) => each !== capability);
}
