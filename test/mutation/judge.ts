import type { Made } from "./cut.ts";
import type { Mutant } from "./mutant.ts";
import { TargetMissing } from "./tree.ts";
import type { Verdict } from "./verdict.ts";
import type { Workshop } from "./workshop.ts";

export interface Outcome {
  readonly isCaught: boolean;
  readonly text: string;
}

/** Makes one mutant and asks the tests that are there for it, then all of them. */
export async function judge(workshop: Workshop, mutant: Mutant): Promise<Outcome> {
  try {
    const declared = await tried(workshop, mutant, mutant.caughtBy);
    if (declared.verdict.kind !== "green") return outcomeOf(mutant, declared);
    const anywhere = await tried(workshop, mutant, []);
    if (anywhere.verdict.kind !== "red") return outcomeOf(mutant, anywhere);
    const { file } = anywhere.verdict;
    const unmutated = await workshop.test([file], "some");
    if (unmutated.kind !== "green")
      return nothingProved(mutant, anywhere.made, `${file} is red without it too`);
    const { isCaught, text } = outcomeOf(mutant, anywhere);
    return {
      isCaught,
      text: `${text}\n     (and not by ${mutant.caughtBy.join(", ")}: correct its caughtBy)`,
    };
  } catch (error) {
    if (error instanceof TargetMissing) return lost(mutant, error.message);
    throw error;
  }
}

interface Trial {
  readonly made: Made;
  readonly verdict: Verdict;
}

async function tried(workshop: Workshop, mutant: Mutant, files: readonly string[]): Promise<Trial> {
  return await workshop.with([mutant.cut, ...(mutant.wallsDown ?? [])], async ([made]) => {
    if (!made) throw new Error("A mutant without a cut.");
    const fault = await workshop.typeFault();
    if (fault !== null) return { made, verdict: { kind: "void", why: `its types are wrong: ${fault}` } };
    return { made, verdict: await workshop.test(files, files.length === 0 ? "all" : "some") };
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
        text: `${place(mutant, made)}\n     SURVIVED: every test passes without \`${made.removed}\`. Write the test that needs it, best in ${mutant.caughtBy.join(" or ")}; if other code hides its absence, take that down too (wallsDown).`,
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
