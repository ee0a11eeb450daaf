import { CellSystem } from "#db/cell-system.ts";
import { remove } from "#db/changes.ts";
import { openDirectory } from "#db/directory.ts";
import { keyPeppers, mostKeysKept } from "#db/directory-tables.ts";
import { many } from "#db/queries.ts";
import { Store } from "#db/store.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import type { Row } from "#db/tenant-table.ts";
import { dayMs, timestamp } from "#lib/time.ts";
import { cellsOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";

/** Takes away peppers that make no keys any more and that no key which may be used was made with. */
export async function removeOldPeppers(env: Env, run: SystemRun): Promise<void> {
  const { newest, older } = await peppersOf(env, run.now);
  // By then no isolate makes keys with an older one.
  if (!newest || newest.mintsFrom > timestamp(run.now - dayMs)) return;
  for (const pepper of older) {
    if ((await keysMadeWith(env, pepper, run.now, 1)) > 0) continue;
    await commitAsSystem(await openDirectory(env), run, [remove(keyPeppers, pepper)]);
  }
}

/** The pepper that makes keys now, and those before it. */
export async function peppersOf(env: Env, now: number) {
  const { peppers } = await (await openDirectory(env)).read({
    peppers: many(keyPeppers, { limit: mostKeysKept }),
  });
  const byVersion = peppers.toSorted((one, other) => other.pepperVersion - one.pepperVersion);
  const [newest, ...older] = byVersion.filter(({ mintsFrom }) => mintsFrom <= timestamp(now));
  return { newest, older };
}

/** How many keys, of all cells, that may still be used; counted up to so many in each. */
export async function keysMadeWith(
  env: Env,
  { pepperVersion }: Pick<Row<typeof keyPeppers>, "pepperVersion">,
  now: number,
  most: 1 | 1000,
): Promise<number> {
  const found = await Promise.all(
    cellsOf(env).map(({ database }) =>
      new CellSystem(new Store(database, "first-primary")).keysOfPepper(pepperVersion, timestamp(now), most),
    ),
  );
  return found.flat().length;
}
