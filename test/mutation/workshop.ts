import { type ChildProcess, execFile, fork } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { type Cut, type Made, make } from "./cut.ts";
import type { RunAnswer, RunRequest, Verdict } from "./verdict.ts";

const leftOut = [".git", ".wrangler", ".bench", "dist", "node_modules"];

/** Copies of the working tree as it is now, to break; dependencies and the vectors beside it are linked. */
export function openWorkshops(count: number): { workshops: Workshop[]; close: () => Promise<void> } {
  const parent = mkdtempSync(join(tmpdir(), "keyline-mutation-"));
  const workshops = Array.from(
    { length: count },
    (_, index) => new Workshop(join(parent, String(index), "main")),
  );
  async function close(): Promise<void> {
    await Promise.all(workshops.map((workshop) => workshop.close()));
    rmSync(parent, { recursive: true, force: true, maxRetries: 5 });
  }
  return { workshops, close };
}

/** Far above what the tests of one mutant, or all tests, ever take. */
const longestMs = { some: 120_000, all: 900_000 };

function vitestIn(root: string): ChildProcess {
  return fork("test/mutation/vitest-process.ts", { cwd: root, stdio: "ignore" });
}

export class Workshop {
  readonly #root: string;
  #vitest: ChildProcess;
  readonly #changed = new Set<string>();

  constructor(root: string) {
    this.#root = root;
    cpSync(".", root, { recursive: true, filter: (path) => !leftOut.includes(basename(path)) });
    symlinkSync(resolve("node_modules"), join(root, "node_modules"));
    if (existsSync("../shared")) symlinkSync(resolve("../shared"), resolve(root, "../shared"));
    mkdirSync(join(root, ".wrangler"));
    // Only what is mutated has to keep its types.
    const project = '{ "extends": "../tsconfig.json", "include": ["../src"] }';
    writeFileSync(join(root, ".wrangler/tsconfig.json"), project);
    this.#vitest = vitestIn(root);
  }

  /** Makes the cuts, does `work`, and puts every file back. @throws TargetMissing */
  async with<R>(cuts: readonly Cut[], work: (made: readonly Made[]) => Promise<R>): Promise<R> {
    const originals = new Map(cuts.map(({ path }) => [path, this.#read(path)]));
    try {
      const made: Made[] = [];
      for (const cut of cuts) {
        const done = make(cut, this.#read(cut.path));
        this.#write(cut.path, done.text);
        made.push(done);
      }
      return await work(made);
    } finally {
      for (const [path, text] of originals) this.#write(path, text);
    }
  }

  /** Runs these test files up to the first test that fails. */
  async test(files: readonly string[], long: keyof typeof longestMs): Promise<Verdict> {
    const request: RunRequest = { files, changed: [...this.#changed] };
    this.#changed.clear();
    if (!this.#vitest.connected) this.#vitest = vitestIn(this.#root);
    this.#vitest.send(request);
    const { verdict, isLast } = await this.#answer(longestMs[long]);
    if (isLast) await this.close();
    return verdict;
  }

  async #answer(withinMs: number): Promise<RunAnswer> {
    const answered = new AbortController();
    const timeout = AbortSignal.timeout(withinMs);
    const signal = AbortSignal.any([timeout, answered.signal]);
    try {
      const said: Promise<RunAnswer[]> = once(this.#vitest, "message", { signal });
      const ended = once(this.#vitest, "exit", { signal }).then(() => []);
      for (const loser of [said, ended]) loser.catch(() => undefined);
      const [answer] = await Promise.race([said, ended]);
      return answer ?? { verdict: { kind: "void", why: "vitest's process has ended" }, isLast: true };
    } catch (error) {
      if (!timeout.aborted) throw error;
      const why = `no verdict within ${withinMs / 1000} s: a test waits for ever`;
      return { verdict: { kind: "void", why }, isLast: true };
    } finally {
      answered.abort();
    }
  }

  /** Whether the code still has its types: a mutant that does not is not tested, only broken. */
  async typeFault(): Promise<string | null> {
    const args = [
      ...["node_modules/typescript/bin/tsc", "--project", ".wrangler/tsconfig.json", "--noEmit"],
      ...["--noUnusedLocals", "false", "--noUnusedParameters", "false"],
      ...["--incremental", "--tsBuildInfoFile", ".wrangler/mutation.tsbuildinfo"],
    ];
    return await new Promise((settle) => {
      execFile(process.execPath, args, { cwd: this.#root }, (error, output) =>
        settle(error === null ? null : (output.split("\n")[0] ?? "tsc failed")),
      );
    });
  }

  async close(): Promise<void> {
    if (!this.#vitest.connected) return;
    const ended = once(this.#vitest, "exit");
    this.#vitest.disconnect();
    await ended;
  }

  #read(path: string): string {
    return readFileSync(join(this.#root, path), "utf8");
  }

  #write(path: string, text: string): void {
    writeFileSync(join(this.#root, path), text);
    this.#changed.add(path);
  }
}
