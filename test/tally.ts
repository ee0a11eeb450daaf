import { readFileSync } from "node:fs";

/** Adds up what vitest and Node's test runner reported, on the one line that CI reads. Run by .ci/run. */
const vitest: { numPassedTests: number; numFailedTests: number; numPendingTests: number } = JSON.parse(
  read("vitest.json"),
);
const node = read("node.txt");

const passed = vitest.numPassedTests + counted("pass");
const failed = vitest.numFailedTests + counted("fail");
const skipped = vitest.numPendingTests + counted("skipped");
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed > 0 || vitest.numPassedTests === 0 || counted("pass") === 0 ? 1 : 0;

function read(report: string): string {
  return readFileSync(`.wrangler/reports/${report}`, "utf8");
}

/** From the closing lines of Node's spec reporter: `ℹ pass 15`. */
function counted(outcome: "pass" | "fail" | "skipped"): number {
  const count = new RegExp(`^\\S+ ${outcome} (\\d+)$`, "m").exec(node)?.[1];
  if (count === undefined)
    throw new Error(`node.txt has no "${outcome}" line: the Node tests did not finish`);
  return Number(count);
}
