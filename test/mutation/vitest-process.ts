import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createVitest, type Vitest } from "vitest/node";
import { Hearing } from "./hearing.ts";
import type { RunAnswer, RunRequest } from "./verdict.ts";

// One vitest that stays: starting one for each mutant takes longer than most tests. Its working directory is a
// workshop; each request says what changed there since the last one.
let vitest: Vitest | null = null;
let hearing = new Hearing();

const graceMs = 5_000;

process.on("message", (request: RunRequest) => {
  const failed = (error: unknown): RunAnswer => ({
    verdict: { kind: "void", why: String(error) },
    isLast: true,
  });
  void answer(request).then(send, (error: unknown) => send(failed(error)));
});

// Whoever asks has gone: nothing of this outlives it, not even what hangs.
process.on("disconnect", () => {
  void Promise.race([vitest?.close(), pause(graceMs)]).finally(() => process.exit());
});

async function answer({ files, changed }: RunRequest): Promise<RunAnswer> {
  // Migrations are read when vitest starts.
  if (changed.some((path) => path.startsWith("migrations/"))) {
    await vitest?.close();
    vitest = null;
  }
  vitest ??= await start();
  for (const path of changed) vitest.invalidateFile(join(process.cwd(), path));
  const heard = new Hearing();
  hearing = heard;
  const run = vitest.runTestSpecifications(await vitest.globTestSpecifications([...files]), true);
  // A test that failed may leave clients behind that ask for ever. Its verdict stands, its process does not.
  const hung = heard.failure.then(() => pause(graceMs, "hung"));
  const isLast = (await Promise.race([run, hung])) === "hung";
  return { verdict: heard.verdict(), isLast };
}

async function start(): Promise<Vitest> {
  const started = await createVitest("test", {
    config: "test/vitest.config.ts",
    watch: false,
    bail: 1,
    fsModuleCachePath: ".wrangler/vitest-cache",
    reporters: [
      {
        onUserConsoleLog: (log) => hearing.onUserConsoleLog(log),
        onTestModuleEnd: (module) => hearing.onTestModuleEnd(module),
        onTestCaseResult: (testCase) => hearing.onTestCaseResult(testCase),
      },
    ],
  });
  await started.standalone();
  return started;
}

function send(message: RunAnswer): void {
  process.send?.(message);
}
