/** What the tests made of the code as it stands in a workshop. */
export type Verdict =
  | { readonly kind: "green" }
  | { readonly kind: "red"; readonly file: string; readonly test: string; readonly message: string }
  /** Not a test's doing: the files do not load, the SQL is none, or another wall stood in the way. */
  | { readonly kind: "void"; readonly why: string };

/** To the process that holds vitest. */
export interface RunRequest {
  /** Empty: all test files. */
  readonly files: readonly string[];
  /** Paths whose text is another than before. */
  readonly changed: readonly string[];
}

/** From it. */
export interface RunAnswer {
  readonly verdict: Verdict;
  /** Something in there hangs: ask a new process next time. */
  readonly isLast: boolean;
}
