import type { z } from "zod";
import { isAssigned } from "#db/changes.ts";

// Assigned numbers are not known until the batch has run, and the answer is parsed before it: meanwhile each stands as
// a number that no amount, count or version can be.
const firstStandIn = 9_000_000_000_000_000;

/** An answer that was parsed, as JSON in which numbers still to be assigned are placeholders. */
export interface Draft {
  readonly json: string;
}

/** Parses what a handler answers: only declared fields leave. @throws ZodError, a defect of ours */
export function draftOf(returns: z.ZodType, answer: unknown): Draft {
  const names: string[] = [];
  const stoodIn = mapValues(answer, (value) =>
    isAssigned(value) ? firstStandIn + names.push(value.$assigned) : value,
  );
  const parsed = returns.parse(stoodIn);
  const restored = mapValues(parsed, (value) => {
    const name = typeof value === "number" ? names[value - firstStandIn - 1] : undefined;
    return name === undefined ? value : { $assigned: name };
  });
  return { json: JSON.stringify(restored ?? null) };
}

/** The same draft without the fields that are shown once. */
export function withoutShownOnce(draft: Draft, fields: readonly string[]): Draft {
  if (fields.length === 0) return draft;
  const hidden: unknown = JSON.parse(draft.json, (key, value: unknown) =>
    fields.includes(key) ? null : value,
  );
  return { json: JSON.stringify(hidden) };
}

/** The answer with every assigned number in its place. */
export function filled(json: string, assigned: Readonly<Record<string, number>>): unknown {
  return JSON.parse(json, (_key, value: unknown) =>
    isAssigned(value) ? (assigned[value.$assigned] ?? null) : value,
  );
}

function mapValues(value: unknown, map: (value: unknown) => unknown): unknown {
  const mapped = map(value);
  if (Array.isArray(mapped)) return mapped.map((item) => mapValues(item, map));
  if (typeof mapped !== "object" || mapped === null || mapped !== value) return mapped;
  return Object.fromEntries(Object.entries(mapped).map(([key, item]) => [key, mapValues(item, map)]));
}
