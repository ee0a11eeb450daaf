import type { Commit } from "./outcome.ts";

/** The entity tag of an answer that carries a version; null for lists and the like. */
export function entityTag(answer: unknown): string | null {
  const isVersioned = typeof answer === "object" && answer !== null && "version" in answer;
  return isVersioned && Number.isSafeInteger(answer.version) ? `"${answer.version}"` : null;
}

/** RFC 9110 section 13.1.1: true where the commit's first changed row is the one the client has seen. */
export function ifMatchHolds(header: string, { answer, changes }: Commit<unknown>): boolean {
  const first = changes.find((change) => change.kind === "update" || change.kind === "remove");
  // Where nothing had to change, the answer is the row as it stands.
  const unchanged = changes.length === 0 ? entityTag(answer) : null;
  const tag = first ? `"${first.before.version}"` : unchanged;
  return tag !== null && (header.trim() === "*" || tagsOf(header).includes(tag));
}

/** RFC 9110 section 13.1.2: true where the client holds this very version already. */
export function ifNoneMatchHits(header: string, tag: string): boolean {
  return header.trim() === "*" || tagsOf(header).some((given) => given.replace(/^W\//, "") === tag);
}

function tagsOf(header: string): string[] {
  return header.split(",").map((tag) => tag.trim());
}
