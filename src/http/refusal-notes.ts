import { type Change, note } from "#db/changes.ts";
import { AnyPrincipal } from "./operation.ts";
import type { ProblemName } from "./problem.ts";
import type { AnyTenantOperation } from "./registry.ts";

/** The audit's row of a refusal that matters: someone asked for more than is theirs. Every other one is only counted. */
export function refusalNotes(name: string, operation: AnyTenantOperation, problem: ProblemName): Change[] {
  if (!operation.recordRefusal || (problem !== "forbidden" && problem !== "scopes-exceed-creator")) return [];
  const capability = operation.can instanceof AnyPrincipal ? null : operation.can;
  return [note("operation", name, { problem, capability })];
}
