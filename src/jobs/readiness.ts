import { keksOf } from "#db/keks.ts";
import { schemaFaults } from "#db/schema-check.ts";
import { directoryKeys } from "#gate/directory-keys.ts";
import { secondMs } from "#lib/time.ts";
import { cellsOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { hasGates } from "#platform/gates.ts";
import { errorFields, log } from "#platform/log.ts";

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What an operator does about it. */
  readonly todo?: string;
}

const latest = new WeakMap<Env, { readonly checks: Promise<Check[]>; readonly at: number }>();
const freshMs = 5 * secondMs;

/** Can this deployment serve: bindings, keys, migrations, triggers. Anybody may ask, so an answer serves for 5 s. */
export async function readiness(env: Env, now: number): Promise<Check[]> {
  const known = latest.get(env);
  if (known && now - known.at < freshMs) return await known.checks;
  const checks = runChecks(env);
  latest.set(env, { checks, at: now });
  return await checks;
}

async function runChecks(env: Env): Promise<Check[]> {
  const cells = cellsOf(env);
  return await Promise.all([
    check("key-encryption keys", "set the secret KEYLINE_KEKS (README, Deploy)", async () => {
      await keksOf(env);
      return [];
    }),
    check("directory keys", "wait a minute for cron to make them, then look at its log", async () => {
      const { newestPepper, publicJwks } = await directoryKeys(
        env,
        (keys) => keys.newestPepper !== null && keys.publicJwks.length > 0,
      );
      return [
        ...(newestPepper ? [] : ["no key pepper"]),
        ...(publicJwks.length > 0 ? [] : ["no signing key"]),
      ];
    }),
    check("directory schema", "apply the migrations of migrations/directory", () =>
      schemaFaults(env.DIRECTORY, "directory"),
    ),
    ...cells.map((cell) =>
      check(`schema of cell ${cell.id}`, "apply the migrations of migrations/cell", () =>
        schemaFaults(cell.database, "cell"),
      ),
    ),
    check("gates", "bind the Durable Object of the gates", async () => {
      return hasGates(env) ? [] : ["not bound"];
    }),
    check("transport", 'set MIN_TLS to "1.2" or "1.3"', async () => {
      return ["1.2", "1.3"].includes(env.MIN_TLS) ? [] : [`MIN_TLS is ${env.MIN_TLS}`];
    }),
    ...cells.map((cell) =>
      check(`queue of cell ${cell.id}`, "create and bind the cell's queue", async () => {
        return cell.queue ? [] : ["no queue"];
      }),
    ),
    ...cells.map((cell) =>
      check(`schema of the log of cell ${cell.id}`, "apply the migrations of migrations/log", () =>
        schemaFaults(cell.log, "log"),
      ),
    ),
    ...cells.map((cell) =>
      check(`call archive of cell ${cell.id}`, "create the cell's R2 bucket for calls", async () => {
        await cell.callArchive.head("readyz");
        return [];
      }),
    ),
    ...cells.map((cell) =>
      check(`queue of calls of cell ${cell.id}`, "create and bind the cell's queue of calls", async () => {
        return cell.calls ? [] : ["no queue"];
      }),
    ),
    ...cells.map((cell) =>
      check(`files of cell ${cell.id}`, "create the cell's R2 bucket", async () => {
        await cell.files.head("readyz");
        return [];
      }),
    ),
  ]);
}

// Anybody may ask: the answer says what to do about it, the log what it was.
async function check(name: string, todo: string, faults: () => Promise<string[]>): Promise<Check> {
  try {
    const found = await faults();
    if (found.length === 0) return { name, ok: true };
    log("error", "not ready", { check: name, faults: found.join("; ") });
  } catch (error) {
    log("error", "not ready", { check: name, ...errorFields(error) });
  }
  return { name, ok: false, todo };
}
