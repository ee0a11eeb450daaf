import type { SchemaState } from "#db/schema-check.ts";
import { said, schemaState } from "#db/schema-check.ts";
import { namedDatabases } from "#jobs/guard-schema.ts";
import type { Env } from "#platform/env.ts";
import { type Finding, green, red } from "./finding.ts";

export type SchemaFacts = readonly { readonly name: string; readonly state: SchemaState }[];

export async function schemaFacts(env: Env): Promise<SchemaFacts> {
  return await Promise.all(
    namedDatabases(env).map(async ({ name, kind, open }) => ({
      name,
      state: await schemaState(open(), kind),
    })),
  );
}

export function judgeSchemas(facts: SchemaFacts): Finding[] {
  return facts.flatMap(({ name, state: { faults, isAhead } }) => {
    if (faults.length > 0)
      return faults.map((fault) => red(`${name}: ${said(fault)}.`, remedyOf(fault.object)));
    if (isAhead)
      return [
        red(
          `${name} has migrations that this code does not know, so its tables were not compared.`,
          "run the doctor from the code that is deployed, or deploy this",
        ),
      ];
    return [green(`${name}: its triggers, tables and indexes are as its migrations left them.`)];
  });
}

function remedyOf(object: string): string {
  return object.startsWith("migration ")
    ? "apply the migrations that are missing, and deploy the code of those that are unknown (README, Deploy)"
    : "make it again as migrations/ has it, and find out who altered it: the audit log may have been edited meanwhile";
}
