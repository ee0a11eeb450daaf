import type { Made } from "./cut.ts";
import type { Mutant } from "./mutant.ts";
import { TargetMissing } from "./tree.ts";
import type { Verdict } from "./verdict.ts";
import type { Workshop } from "./workshop.ts";

export interface Outcome {
  readonly isCaught: boolean;
  readonly text: string;
}

/** Makes one mutant and asks the tests that are there for it. */
export async function judge(workshop: Workshop, mutant: Mutant): Promise<Outcome> {
  try {
    return outcomeOf(mutant, await tried(workshop, mutant));
  } catch (error) {
    if (error instanceof TargetMissing) return lost(mutant, error.message);
    throw error;
  }
}

interface Trial {
  readonly made: Made;
  readonly verdict: Verdict;
}

async function tried(workshop: Workshop, mutant: Mutant): Promise<Trial> {
  return await workshop.with([mutant.cut, ...(mutant.wallsDown ?? [])], async ([made]) => {
    if (!made) throw new Error("A mutant without a cut.");
    const fault = await workshop.typeFault();
    if (fault !== null) return { made, verdict: { kind: "void", why: `its types are wrong: ${fault}` } };
    return { made, verdict: await workshop.test(mutant.caughtBy, "some") };
  });
}

function outcomeOf(mutant: Mutant, { made, verdict }: Trial): Outcome {
  switch (verdict.kind) {
    case "red":
      return {
        isCaught: true,
        text: `${place(mutant, made)}\n     caught by ${verdict.file}: ${verdict.test}`,
      };
    case "void":
      return nothingProved(mutant, made, verdict.why);
    case "green":
      return {
        isCaught: false,
        text: `${place(mutant, made)}\n     SURVIVED: ${mutant.caughtBy.join(" and ")} pass without \`${made.removed}\`. Write the test that needs it there, or name the one that does (caughtBy); if other code hides its absence, take that down too (wallsDown).`,
      };
  }
}

function nothingProved(mutant: Mutant, made: Made, why: string): Outcome {
  return {
    isCaught: false,
    text: `${place(mutant, made)}\n     PROVES NOTHING: ${why}. Cut less, or take down what stood in the way (wallsDown).`,
  };
}

export function lost({ name, cut }: Mutant, why: string): Outcome {
  return {
    isCaught: false,
    text: `${cut.path}  ${name}\n     TARGET GONE: ${why}. Where the check moved, point the mutant (test/mutation/mutants) at its new place; where it was removed on purpose, remove the mutant and say why in the commit.`,
  };
}

function place({ name, cut }: Mutant, { line }: Made): string {
  return `${cut.path}:${line}  ${name}`;
}
