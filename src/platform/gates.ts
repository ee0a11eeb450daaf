import type { Cell } from "./cells.ts";
import type { Env, GateRpc } from "./env.ts";
import { within } from "./jurisdictions.ts";

/** The one place where a gate is made or found: named by its principal, inside its cell's jurisdiction. */
export function gateOf(
  env: Env,
  cell: Pick<Cell, "jurisdiction">,
  principalId: string,
): DurableObjectStub<GateRpc> {
  return within(env.GATES, cell.jurisdiction).getByName(principalId);
}

/** Is the namespace bound at all; whether its objects answer is for each request to see. */
export function hasGates(env: Env): boolean {
  return typeof env.GATES?.getByName === "function";
}
