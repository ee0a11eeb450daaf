import { said, schemaState } from "#db/schema-check.ts";
import { type NamedDatabase, namedDatabases } from "#jobs/guard-schema.ts";
import type { Env } from "#platform/env.ts";

const remedy =
  "Apply the migrations that are missing; what was altered, make again as migrations/ has it, and find out who altered it.";

/** Every database, held to what the migrations make; done where each is so. */
export async function checkSchemas(env: Env): Promise<{ said: string; isDone: boolean }> {
  const checked = await Promise.all(namedDatabases(env).map(faultsOf));
  const isDone = checked.every(({ faults }) => faults.length === 0);
  const lines = checked.flatMap(({ name, faults, isAhead }) => {
    const good = isAhead
      ? "has migrations that this code does not know, and all triggers that it does"
      : "is as its migrations left it";
    return faults.length === 0 ? [`${name} ${good}.`] : [`${name}:`, ...faults.map((fault) => `  ${fault}`)];
  });
  return { said: [...lines, ...(isDone ? [] : [remedy])].join("\n"), isDone };
}

async function faultsOf({ name, kind, open }: NamedDatabase) {
  try {
    const { faults, isAhead } = await schemaState(open(), kind);
    return { name, faults: faults.map(said), isAhead };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { name, faults: [`could not be looked at: ${why}`], isAhead: false };
  }
}
