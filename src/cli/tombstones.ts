import { readFile, writeFile } from "node:fs/promises";
import { z } from "zod";
import { type DestroyOutcome, replayTombstones, type Tombstone, tombstonesOf } from "#db/destroy-subject.ts";
import type { SystemRun } from "#db/system-commit.ts";
import { cellsOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { ownersOf } from "./owners.ts";

/** A line of the file. */
const Line = z.strictObject({
  /** `directory`, or the id of a cell. */
  store: z.string(),
  tenantId: z.string(),
  subjectId: z.string(),
  destroyedAt: z.iso.datetime(),
});

/** Writes all tombstones as NDJSON, into a file that is not there yet. @returns how many there are */
export async function exportTombstones(env: Env, file: string): Promise<number> {
  const lines: string[] = [];
  for await (const { store, database, tenantId } of ownersOf(env)) {
    for await (const tombstone of tombstonesOf(database, tenantId))
      lines.push(`${JSON.stringify({ store, ...tombstone })}\n`);
  }
  await writeFile(file, lines.join(""), { flag: "wx" });
  return lines.length;
}

/** Replays such a file. What names a store or tenant that is not here is told, and the rest done. */
export async function replayFile(
  env: Env,
  file: string,
  run: SystemRun,
): Promise<{ said: string; isDone: boolean }> {
  const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
  const byStore = Map.groupBy(
    lines.map((line) => Line.parse(JSON.parse(line))),
    ({ store }) => store,
  );
  const databases = new Map(cellsOf(env).map(({ id, database }) => [id, database]));
  databases.set("directory", env.DIRECTORY);
  const sum: Record<DestroyOutcome, number> = { destroyed: 0, "destroyed-before": 0, "no-such-tenant": 0 };
  const foreign: string[] = [];
  for (const [store, tombstones] of byStore) {
    const database = databases.get(store);
    if (!database) foreign.push(store);
    else add(sum, await replayTombstones(database, tombstones satisfies readonly Tombstone[], run));
  }
  const said = [
    `${sum.destroyed} were destroyed again, ${sum["destroyed-before"]} were destroyed already.`,
    ...(sum["no-such-tenant"] > 0 ? [`${sum["no-such-tenant"]} are of tenants that are not here.`] : []),
    ...(foreign.length > 0 ? [`There is no cell ${foreign.join(" and no cell ")} here.`] : []),
  ].join("\n");
  return { said, isDone: sum["no-such-tenant"] === 0 && foreign.length === 0 };
}

function add(sum: Record<DestroyOutcome, number>, more: Readonly<Record<DestroyOutcome, number>>): void {
  for (const [outcome, count] of Object.entries(more)) sum[outcome as DestroyOutcome] += count;
}
