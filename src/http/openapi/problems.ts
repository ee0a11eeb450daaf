import { isBytes } from "#http/media.ts";
import { AnyPrincipal } from "#http/operation.ts";
import { type ProblemName, problems } from "#http/problem.ts";
import { type AnyOperation, isForAnybody, isMine, proofAgeOf } from "#http/registry.ts";

/** Every problem that calling this operation can end in: those it declares, and those of the door around it. */
export function problemsOf(operation: AnyOperation): ProblemName[] {
  const named = new Set<ProblemName>([...operation.problems, ...ofTheDoor(operation)]);
  const own: readonly number[] = (operation.form === "protocol" && operation.refuses?.statuses) || [];
  return Object.keys(problems).filter(
    (name): name is ProblemName =>
      named.has(name as ProblemName) && !own.includes(problems[name as ProblemName].status),
  );
}

function ofTheDoor(operation: AnyOperation): ProblemName[] {
  const { form, params, method, body } = operation;
  // The query is always held to its shape, be it that of none; so is a body, where a method can have one.
  const found: ProblemName[] = ["https-required", "rate-limited", "internal", "unavailable", "invalid"];
  if (params) found.push("not-found");
  if (method !== "get") found.push("malformed-request", "too-large");
  if (method !== "get" && form !== "protocol" && !isBytes(body)) found.push("unsupported-media-type");
  if (form === "visitor" || form === "me-write") found.push("conflict");
  if (isForAnybody(operation)) return found;
  if (proofAgeOf(operation) !== null) found.push("step-up-required");
  if (isMine(operation) && !operation.isForLimited) found.push("session-limited");
  if (takesIdempotencyKey(operation)) found.push("idempotency-key-reused");
  if (isMine(operation)) return [...found, "unauthorized"];
  found.push("unauthorized", "not-found", "address-not-allowed", "origin-not-allowed", "tenant-suspended");
  found.push("second-factor-enrolment-required");
  if (!(operation.can instanceof AnyPrincipal)) found.push("forbidden");
  if (isBytes(operation.returns) || operation.tellsOfPeople) found.push("personal-data-masked");
  if (form === "read") return found;
  found.push("conflict");
  if (takesIfMatch(operation)) found.push("precondition-failed");
  if (form === "effect") found.push("in-progress", "upstream-failed");
  return found;
}

/** Writes of what stands already; the declared problem tells them. */
export function takesIfMatch({ form, problems }: AnyOperation): boolean {
  return (form === "write" || form === "effect") && problems.includes("precondition-failed");
}

export function takesIdempotencyKey({ form, method }: AnyOperation): boolean {
  return method === "post" && ["write", "effect", "me-write"].includes(form);
}
