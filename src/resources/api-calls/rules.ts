/** What is missing of the log: never less than nothing, as the gates tell of their counts up to a minute later. */
export function gapOf(counted: number, logged: number) {
  return { counted, logged, missing: Math.max(0, counted - logged) };
}
