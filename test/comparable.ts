import type { Answer } from "#test/client.ts";

/** What DESIGN lets differ between two answers that must be the same byte for byte. */
const mayDiffer = [
  "x-request-id",
  "date",
  "ratelimit",
  "ratelimit-policy",
  "retry-after",
  "x-keyline-bookmark",
];

/** An answer as whoever compares two of them sees it, without what may differ. */
export function comparable({ status, headers, text }: Answer): string {
  const kept = [...headers].filter(([name]) => !mayDiffer.includes(name)).toSorted();
  const body = text.replace(`"requestId":"${headers.get("x-request-id")}"`, '"requestId":""');
  return JSON.stringify([status, kept, body], null, 1);
}
