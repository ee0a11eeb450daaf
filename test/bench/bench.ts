import { mkdir, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { bundleSize, startUp } from "./build-figures.ts";
import { callsLogged } from "./call-log.ts";
import { type Figures, measure, ratiosOf } from "./measure.ts";
import { memoryOf } from "./process.ts";
import { keyCount, type Scenario, scenarios, startSubjects } from "./subjects.ts";

// Keyline's built bundle beside a bare Worker that does the same trips, in one run, round by round in turn: absolute
// times say something of the machine, the ratios something of us.

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "15" },
    seconds: { type: "string", default: "1" },
    connections: { type: "string", default: "32" },
    /** Without the line that either logs for a request, which on this machine goes through Miniflare's pipe. */
    "without-logs": { type: "boolean", default: false },
  },
});
const bounds: Readonly<Record<Scenario, number>> = { gate: 0.7, read: 0.6, write: 0.7, "sign-in": 0.5 };
const plan = {
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
  connections: Number(values.connections),
};

const { keyline, bare, statements } = await startSubjects(
  values["without-logs"] ? "console.info = () => {};" : "",
);
const figures: Partial<Record<Scenario, Figures>> = {};
const ratios: Partial<Record<Scenario, number>> = {};
const cpuRatios: Partial<Record<Scenario, number>> = {};
for (const scenario of scenarios) {
  const measured = await measure(scenario, { keyline, bare }, plan);
  const { requestsPerSecond, cpu } = ratiosOf(measured);
  figures[scenario] = measured;
  ratios[scenario] = requestsPerSecond;
  cpuRatios[scenario] = cpu;
  console.log(
    `${scenario.padEnd(8)}${requestsPerSecond.toFixed(2)} of the bare Worker (at least ${bounds[scenario]}); by CPU time ${cpu.toFixed(2)}`,
  );
  for (const [name, { summary }] of Object.entries(measured))
    console.log(
      `      ${name.padEnd(8)}${Math.round(summary.requestsPerSecond)}/s, p50 ${summary.p50Ms.toFixed(1)} ms, p99 ${summary.p99Ms.toFixed(1)} ms, ${summary.cpuMs.toFixed(2)} ms CPU a request`,
    );
}
const memory = {
  keyline: await memoryOf(keyline.deployment.workerdPid),
  bare: await memoryOf(bare.deployment.workerdPid),
};
const { sent } = keyline;
const calls = { sent, logged: await callsLogged(keyline.deployment, sent) };
await keyline.deployment.stop();
await bare.deployment.stop();
const built = { ...(await bundleSize()), startUpCpuMs: await startUp() };

console.log(`calls   ${calls.logged} of ${calls.sent} are in the call log`);
console.log(
  `memory  workerd with Keyline ${memory.keyline.rss} MB, with the bare Worker ${memory.bare.rss} MB`,
);
console.log(`bundle  ${built.kilobytes} kB, ${built.gzipKilobytes} kB gzipped`);
console.log(`start   ${built.startUpCpuMs ?? "unknown"} ms CPU (wrangler check startup, on this machine)`);
console.log(
  `${keyCount} keys, ${plan.connections} connections, ${plan.rounds} rounds of ${plan.seconds} s each; a write is ${statements} statements`,
);
await mkdir(".bench", { recursive: true });
const latest = {
  ratios,
  bounds,
  cpuRatios,
  figures: summaries(),
  memory,
  calls,
  built,
  statements,
  keyCount,
  plan,
};
await writeFile(".bench/latest.json", `${JSON.stringify(latest, null, 2)}\n`);

const short: string[] = scenarios.filter((scenario) => (ratios[scenario] ?? 0) < bounds[scenario]);
// A log that fell behind would make the ratios better than they are.
if (calls.logged < 0.99 * calls.sent) short.push("calls in the log");
if (short.length > 0) console.log(`Below the bound: ${short.join(", ")}`);
process.exit(short.length > 0 ? 1 : 0);

function summaries() {
  return Object.fromEntries(
    Object.entries(figures).map(([scenario, { keyline, bare }]) => [
      scenario,
      { keyline: keyline.summary, bare: bare.summary },
    ]),
  );
}
