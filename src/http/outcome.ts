import type { Change } from "#db/changes.ts";
import type { ProblemDetails, ProblemName } from "./problem.ts";

/** An answer together with the changes that make it true; the door commits them once. */
export class Commit<A> {
  readonly answer: A;
  readonly changes: readonly Change[];

  constructor(answer: A, changes: readonly Change[]) {
    this.answer = answer;
    this.changes = changes;
  }
}

/** A problem, and what shall be recorded of it: audit notes only. */
export class Refusal {
  readonly problem: ProblemName;
  readonly details: ProblemDetails;
  readonly changes: readonly Change[];

  constructor(problem: ProblemName, details: ProblemDetails, changes: readonly Change[]) {
    this.problem = problem;
    this.details = details;
    this.changes = changes;
  }
}

export function commit<A>(answer: A, ...changes: readonly Change[]): Commit<A> {
  return new Commit(answer, changes);
}

export function refuse(problem: ProblemName, ...changes: readonly Change[]): Refusal {
  return new Refusal(problem, {}, changes);
}

/** Refuses a field of the body by its JSON pointer. */
export function refuseField(pointer: string, detail: string, problem: ProblemName = "invalid"): Refusal {
  return new Refusal(problem, { errors: [{ pointer, detail }] }, []);
}
