import { CellDoctor } from "#db/cell-doctor.ts";
import { Store } from "#db/store.ts";
import { cellsOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { counted, type Finding, graded } from "./finding.ts";

/** Of one cell: how many of its tenants nobody owns, `mostCounted` at most. */
export type OwnerFacts = readonly { readonly cell: string; readonly without: number }[];

const mostCounted = 100;

export async function ownerFacts(env: Env): Promise<OwnerFacts> {
  return await Promise.all(
    cellsOf(env).map(async ({ id, database }) => {
      const doctor = new CellDoctor(new Store(database, "first-primary"));
      return { cell: id, without: (await doctor.tenantsWithoutOwner()).length };
    }),
  );
}

export function judgeOwners(facts: OwnerFacts): Finding[] {
  return facts.map(({ cell, without }) =>
    graded(
      without === 0,
      `Cell ${cell}: every tenant has an owner.`,
      `Cell ${cell}: ${counted(without, mostCounted, "tenant that nobody owns")}.`,
      "their last owner's account was erased while it was being made one: agree with the business on who it is to be, and set that member's role by hand",
    ),
  );
}
