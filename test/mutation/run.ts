import { existsSync } from "node:fs";
import { judge, type Outcome } from "./judge.ts";
import type { Mutant } from "./mutant.ts";
import { mutants } from "./mutants.ts";
import { openWorkshops, type Workshop } from "./workshop.ts";

// npm run test:mutation [-- words of names or paths]
const atOnce = 2;
const chosen = choose(process.argv.slice(2));
const { workshops, close } = openWorkshops(atOnce);
process.once("SIGINT", () => void close().then(() => process.exit(130)));
try {
  process.exitCode = await main();
} finally {
  await close();
}

/** Unmutated first: a suite that is red anyway proves nothing. */
async function main(): Promise<number> {
  const startedAt = Date.now();
  if (chosen.length === 0) return complain("No mutant has such a name.");
  const files = [...new Set(chosen.flatMap(({ caughtBy }) => caughtBy))].sort();
  const faults = await Promise.all(workshops.map((workshop, at) => faultsIn(workshop, files, at)));
  const fault = faults.find((each) => each !== null);
  if (fault) return complain(`Without any mutation ${fault}`);
  console.log(`${files.length} test files are green (${secondsSince(startedAt)}). ${chosen.length} mutants:`);

  const outcomes: Outcome[] = [];
  const queue = chosen.values();
  await Promise.all(workshops.map((workshop) => workThrough(workshop, queue, outcomes)));
  const survivors = outcomes.filter(({ isCaught }) => !isCaught);
  const caught = outcomes.length - survivors.length;
  console.log(`${caught} of ${outcomes.length} mutants caught in ${secondsSince(startedAt)}.`);
  for (const { text } of survivors) console.error(`\n${text}`);
  return survivors.length === 0 ? 0 : 1;
}

/** What is wrong with this workshop's share of the test files, or with the code's types. */
async function faultsIn(workshop: Workshop, files: readonly string[], at: number): Promise<string | null> {
  const absent = files.find((file) => !existsSync(file));
  if (absent) return `there is no ${absent}: name the mutants' new test file.`;
  const share = files.filter((_, index) => index % workshops.length === at);
  const baseline = share.length === 0 ? null : await workshop.test(share, "all");
  const types = await workshop.typeFault();
  if (types !== null) return `the types are wrong: ${types}`;
  if (baseline?.kind === "red") return `${baseline.file} fails: ${baseline.test}\n${baseline.message}`;
  return baseline?.kind === "void" ? `the tests do not run: ${baseline.why}` : null;
}

async function workThrough(workshop: Workshop, queue: Iterator<Mutant>, outcomes: Outcome[]): Promise<void> {
  for (let next = queue.next(); !next.done; next = queue.next()) {
    const startedAt = Date.now();
    const outcome = await judge(workshop, next.value);
    outcomes.push(outcome);
    const mark = outcome.isCaught ? "✓" : "✗";
    console.log(
      `${mark} ${String(outcomes.length).padStart(2)} ${outcome.text} (${secondsSince(startedAt)})`,
    );
  }
}

/** Those whose name or file contains one of the arguments; all where there is none. */
function choose(words: readonly string[]): readonly Mutant[] {
  if (words.length === 0) return mutants;
  return mutants.filter(({ name, cut }) => words.some((word) => `${cut.path} ${name}`.includes(word)));
}

function secondsSince(startedAt: number): string {
  return `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
}

function complain(message: string): number {
  console.error(message);
  return 1;
}
