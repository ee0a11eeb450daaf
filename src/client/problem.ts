import type { FieldError } from "./operations.ts";

/** A refusal as a problem document tells it (RFC 9457). `problem` is its stable name. */
export class KeylineProblem<Name extends string = string> extends Error {
  override readonly name = "KeylineProblem";
  readonly problem: Name;
  readonly status: number;
  readonly operation: string;
  readonly requestId: string | null;
  readonly errors: readonly FieldError[];

  constructor(operation: string, status: number, told: Told) {
    const problem = String(told.type ?? "unknown").replace("/problems/", "");
    super(`${operation} was answered ${status} ${problem}: ${told.title ?? "no problem document"}`);
    // The contract lists every name; a newer deployment may know more.
    this.problem = problem as Name;
    this.status = status;
    this.operation = operation;
    this.requestId = told.requestId ?? null;
    this.errors = told.errors ?? [];
  }
}

interface Told {
  readonly type?: string;
  readonly title?: string;
  readonly requestId?: string;
  readonly errors?: readonly FieldError[];
}

export async function problemOf<Name extends string>(
  operation: string,
  response: Response,
): Promise<KeylineProblem<Name>> {
  const told: unknown = await response.json().catch(() => null);
  return new KeylineProblem<Name>(operation, response.status, isTold(told) ? told : {});
}

function isTold(value: unknown): value is Told {
  return typeof value === "object" && value !== null && "type" in value;
}

/** As long as the answer asks for; without a word of it 0.2 s, 0.4 s, 0.8 s, … */
export function retryAfterMs(response: Response | null, tried: number): number {
  const seconds = Number(response?.headers.get("Retry-After") ?? Number.NaN);
  return Number.isNaN(seconds) ? 100 * 2 ** tried : seconds * 1000;
}
