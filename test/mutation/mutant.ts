import type { Cut } from "./cut.ts";

/** One thing taken out of the code, which some test must miss. */
export interface Mutant {
  /** What is no longer done. */
  readonly name: string;
  readonly cut: Cut;
  /** The other walls that would hide it, taken down in the same way. */
  readonly wallsDown?: readonly Cut[];
  /** The test files that are there for it. */
  readonly caughtBy: readonly string[];
}
