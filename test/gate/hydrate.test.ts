import { expect, test } from "vitest";
import { hydrate } from "#gate/hydrate.ts";
import { newTenant } from "#test/world.ts";

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
