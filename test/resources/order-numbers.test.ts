import { expect, test } from "vitest";
import { newId } from "#platform/ids.ts";
import { createOrder, inParallel } from "#test/http/kit.ts";
import { newTenant } from "#test/world.ts";

test("parallel order creates are numbered without gaps, and a refused one leaves none", async () => {
  const tenant = await newTenant();
  const answers = await inParallel(60, (index) =>
    createOrder(tenant, index % 3 === 1 ? { customerId: newId("cus") } : {}),
  );
  const numbers = answers.filter(({ status }) => status === 201).map(({ json }) => json.number);
  expect(answers.filter(({ status }) => status === 422)).toHaveLength(20);
  expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, index) => index + 2));
  expect((await createOrder(tenant)).json.number).toBe(42);
});

test("two tenants of one cell count their orders apart", async () => {
  const [one, two] = [await newTenant(), await newTenant()];
  const answers = await Promise.all([one, two, one, two].map((tenant) => createOrder(tenant)));
  expect(answers.map(({ json }) => json.number).sort()).toEqual([2, 2, 3, 3]);
});
