import { expect, test } from "vitest";
import { tenantFiles } from "#platform/tenant-files.ts";
import { newTenant } from "#test/world.ts";

test("a tenant's objects are reached by names that begin with its id alone, whatever is done to them", async () => {
  const [tenant, other] = [await newTenant(), await newTenant()];
  const files = tenantFiles(tenant.cell.files, tenant.tenantId);
  await tenant.cell.files.put(`${other.tenantId}/theirs`, "theirs");
  const names = [
    `${other.tenantId}/theirs`,
    tenant.tenantId,
    `x${tenant.tenantId}/a`,
    `/${tenant.tenantId}/a`,
    "",
  ];
  for (const name of names) {
    const tries = [
      () => files.head(name),
      () => files.get(name),
      () => files.put(name, "forged"),
      () => files.delete(name),
      () => files.delete([`${tenant.tenantId}/own`, name]),
      () => files.list({ prefix: name }),
      () => files.createMultipartUpload(name),
      () => files.resumeMultipartUpload(name, "upload"),
    ];
    for (const attempt of tries)
      await expect(async () => await attempt(), `${name} ${attempt}`).rejects.toThrow(
        "An object of another tenant was named",
      );
  }
  expect(await (await tenant.cell.files.get(`${other.tenantId}/theirs`))?.text()).toBe("theirs");
  await files.put(`${tenant.tenantId}/own`, "own");
  expect(await (await files.get(`${tenant.tenantId}/own`))?.text()).toBe("own");
});
