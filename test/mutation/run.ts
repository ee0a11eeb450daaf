import { existsSync } from "node:fs";
import { judge, type Outcome } from "./judge.ts";
import type { Mutant } from "./mutant.ts";
import { mutants } from "./mutants.ts";
import { openWorkshops, type Workshop } from "./workshop.ts";

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
  const [first] = workshops;
  if (!first || chosen.length === 0) return complain("No mutant has such a name.");
  const files = [...new Set(chosen.flatMap(({ caughtBy }) => caughtBy))].sort();
  const absent = files.filter((file) => !existsSync(file));
  if (absent.length > 0)
    return complain(`There is no ${absent.join(", ")}: name the mutants' new test files.`);
  const baseline = await first.test(files, "all");
  const fault = await first.typeFault();
  if (fault !== null) return complain(`Without any mutation the types are wrong: ${fault}`);
  if (baseline.kind === "red")
    return complain(`Without any mutation ${baseline.file} fails: ${baseline.test}\n${baseline.message}`);
  if (baseline.kind === "void") return complain(`Without any mutation the tests do not run: ${baseline.why}`);
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
