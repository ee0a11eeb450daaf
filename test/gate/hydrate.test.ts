import { expect, test } from "vitest";
import { hydrate } from "#gate/hydrate.ts";
import { newTenant, rowsOf } from "#test/world.ts";

// A gate that is warm knows its tenant; a cold one reads what the token says, so the statement itself must hold it.
test("a member or key of one tenant is nobody in another of the same cell", async () => {
  const [own, foreign] = [await newTenant(), await newTenant()];
  const { database } = own.cell;
  for (const [ours, theirs] of [
    [own.memberIds.owner, foreign.memberIds.owner],
    [own.keyId, foreign.keyId],
  ] as const) {
    expect(await hydrate(database, ours, own.tenantId)).toMatchObject({ tenantId: own.tenantId });
    expect(await hydrate(database, theirs, own.tenantId)).toBeNull();
    expect(await hydrate(database, ours, foreign.tenantId)).toBeNull();
  }
});

test("a member's places are its own, not its colleagues'", async () => {
  const tenant = await newTenant();
  const { database } = tenant.cell;
  const rows = await rowsOf<{ member_id: string; location_id: string }>(
    database,
    "select member_id, location_id from member_locations where tenant_id = ?",
    tenant.tenantId,
  );
  const [place] = rows;
  expect(place).toBeDefined();
  const colleague = place?.member_id === tenant.memberIds.manager ? "installer" : "manager";
  const elsewhere = tenant.locationIds.find((id) => id !== place?.location_id);
  await rowsOf(
    database,
    "insert or ignore into member_locations (tenant_id, id, member_id, location_id, version, created_at, updated_at) values (?, 'mlo_test', ?, ?, 1, '2026-01-01', '2026-01-01')",
    tenant.tenantId,
    tenant.memberIds[colleague],
    elsewhere,
  );
  const own = rows.filter(({ member_id: id }) => id === place?.member_id).map(({ location_id: id }) => id);
  expect(own).not.toContain(elsewhere);
  const policy = await hydrate(database, String(place?.member_id), tenant.tenantId);
  expect(policy?.locations?.toSorted()).toEqual(own.toSorted());
});
