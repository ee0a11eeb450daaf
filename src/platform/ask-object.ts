import { secondMs } from "#lib/time.ts";
import { inTime } from "./deadline.ts";
import { errorFields, log } from "./log.ts";

const deadlineMs = 5 * secondMs;

/**
 * What a Durable Object answers, asked a second time where it was away: so it has to know by an id what it did already.
 * `ask` finds the object anew each time, as a stub is of no use after an exception.
 */
export async function askTwice<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!isRetryable(error)) throw error;
    return await ask();
  }
}

/** The same. @throws Error where it does not answer in time */
export async function askObject<T>(what: string, ask: () => Promise<T>): Promise<T> {
  return await askTwice(() => inTime(deadlineMs, what, ask()));
}

/** The same; null, and a line in the log, where it does not answer in time or as it should. */
export async function answerOf<T>(what: string, ask: () => Promise<T>): Promise<T | null> {
  try {
    return await askObject(what, ask);
  } catch (error) {
    log("error", `${what} did not answer`, errorFields(error));
    return null;
  }
}

/** Durable Objects mark what may be asked again (a restart, a moved object) and never mark an overload so. */
function isRetryable(error: unknown): boolean {
  return (
    error instanceof Error &&
    "retryable" in error &&
    error.retryable === true &&
    !("overloaded" in error && error.overloaded === true)
  );
}
