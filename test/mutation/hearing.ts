import type { TestCase, TestModule } from "vitest/node";
import type { Verdict } from "./verdict.ts";

// The door logs what it did not expect. A test that met one of these met no missing check.
const strangers = [/"error":"FirewallError","detail":"([^"\\]*)/, /D1_ERROR: [^"\\]*SQLITE_ERROR/];

/** What one run of vitest told: vitest itself remembers the results of earlier runs too. */
export class Hearing {
  readonly #failed: TestCase[] = [];
  readonly #ended: TestModule[] = [];
  readonly #first = Promise.withResolvers<void>();
  #logged = "";

  onUserConsoleLog({ content }: { content: string }): void {
    this.#logged += content;
  }

  onTestModuleEnd(module: TestModule): void {
    this.#ended.push(module);
  }

  onTestCaseResult(testCase: TestCase): void {
    if (testCase.result().state !== "failed") return;
    this.#failed.push(testCase);
    this.#first.resolve();
  }

  /** When a test has failed. */
  get failure(): Promise<void> {
    return this.#first.promise;
  }

  verdict(): Verdict {
    const [first] = this.#failed;
    if (first) return this.#red(first.module, first.fullName, first.result().errors?.[0]?.message ?? "");
    const amiss = this.#ended.find((module) => module.errors().length > 0);
    const [error] = amiss?.errors() ?? [];
    if (!amiss || !error)
      return this.#ended.length > 0 ? { kind: "green" } : { kind: "void", why: "no test file was run" };
    // What a file's hooks claim is a test too; what else goes wrong outside of tests is not.
    if (error.name === "AssertionError") return this.#red(amiss, "afterAll", error.message);
    return { kind: "void", why: `${amiss.relativeModuleId}: ${error.message}` };
  }

  #red(module: TestModule, test: string, message: string): Verdict {
    const why = /timed out/.test(message) ? `timed out: ${test}` : this.#stranger();
    return why === null
      ? { kind: "red", file: module.relativeModuleId, test, message }
      : { kind: "void", why };
  }

  #stranger(): string | null {
    for (const stranger of strangers) {
      const [whole, detail] = stranger.exec(this.#logged) ?? [];
      if (whole !== undefined) return detail ?? whole;
    }
    return null;
  }
}
