import { expect, test } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { keysMadeWith, peppersOf, removeOldPeppers } from "#jobs/old-peppers.ts";
import { scheduledRun } from "#jobs/rewrap-tenant-keys.ts";
import { dayMs } from "#lib/time.ts";
import { testEnv } from "#test/env.ts";
import { envWith, newTenant, type TestTenant, tapped } from "#test/world.ts";

// What it costs cron to know that an older pepper is still needed; when one goes is directory-keys.test.ts's.

test("cron asks each cell for one key of an older pepper, however many there are", async () => {
  const tenants: readonly TestTenant[] = [
    await newTenant("signs"),
    await newTenant("signs"),
    await newTenant("cafe"),
  ];
  const later = Date.now() + 400 * dayMs;
  await ensureDirectoryKeys(testEnv(), later - 2 * dayMs);
  const { older } = await peppersOf(testEnv(), later);
  expect(older).toHaveLength(1);
  const found: number[] = [];
  const watched = (name: string) =>
    tapped(testEnv()[name] as D1Database, async (texts, run) => {
      const results = await run();
      results.forEach((result, index) => {
        if (texts[index]?.includes("api_keys_by_pepper")) found.push(result.results.length);
      });
      return results;
    });
  const env = envWith({ CELL_US1: watched("CELL_US1"), CELL_EU1: watched("CELL_EU1") });
  await removeOldPeppers(env, scheduledRun(later));
  expect(found).toEqual([1, 1]);
  expect((await peppersOf(testEnv(), later)).older).toEqual(older);
  // The command that tells how many there are counts each.
  const [pepper] = older;
  if (!pepper) throw new Error("There is no older pepper.");
  expect(await keysMadeWith(testEnv(), pepper, later, 1000)).toBeGreaterThanOrEqual(tenants.length);
});
