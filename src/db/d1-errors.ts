/**
 * What made D1 refuse a batch: a guard's code, or the table whose unique key was taken.
 * The messages read `D1_ERROR: order-changed: SQLITE_CONSTRAINT…` and `D1_ERROR: UNIQUE constraint failed: t.a, t.b: …`.
 */
export function batchFailure(error: unknown): { code: string } | null {
  const message = messageOf(error);
  const unique = /UNIQUE constraint failed: ([a-z_]+)\./.exec(message);
  if (unique?.[1]) return { code: unique[1] };
  const raised = /(?:D1_ERROR: )?([a-z]+(?:-[a-z]+)+): SQLITE_CONSTRAINT/.exec(message);
  return raised?.[1] ? { code: raised[1] } : null;
}

const transient = [
  "Network connection lost",
  "storage caused object to be reset",
  "reset because its code was updated",
  "Cannot resolve D1 DB due to transient issue",
];

/** Cloudflare lists these as worth a retry; overload, time and memory limits are not, as a retry feeds them. */
export function isWorthOneRetry(error: unknown): boolean {
  const message = messageOf(error);
  return transient.some((text) => message.includes(text));
}

/** Overload and time limits: the caller is to come back later. */
export function isBusy(error: unknown): boolean {
  const message = messageOf(error);
  return message.includes("overloaded") || message.includes("exceeded timeout") || isWorthOneRetry(error);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
