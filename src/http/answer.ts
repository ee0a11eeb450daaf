import type { z } from "zod";
import { isAssigned } from "#db/changes.ts";
import { entityTag } from "./conditional.ts";

// Assigned numbers are not known until the batch has run, and the answer is parsed before it: meanwhile each stands as
// a number that no amount, count or version can be.
const firstStandIn = 9_000_000_000_000_000;

/** A parsed answer as it leaves, with its entity tag. In a draft, numbers still to be assigned are placeholders. */
export interface JsonAnswer {
  readonly json: string;
  /** null for what carries no version. */
  readonly tag: string | null;
}

export function jsonOf(parsed: unknown): JsonAnswer {
  return { json: JSON.stringify(parsed ?? null), tag: entityTag(parsed) };
}

/** Parses what a handler answers: only declared fields leave. @throws ZodError, a defect of ours */
export function draftOf(returns: z.ZodType, answer: unknown): JsonAnswer {
  const names: string[] = [];
  const stoodIn = mapValues(answer, (value) =>
    isAssigned(value) ? firstStandIn + names.push(value.$assigned) : value,
  );
  const parsed = returns.parse(stoodIn);
  const restored = mapValues(parsed, (value) => {
    const name = typeof value === "number" ? names[value - firstStandIn - 1] : undefined;
    return name === undefined ? value : { $assigned: name };
  });
  return jsonOf(restored);
}

/** The same draft without the fields that are shown once. */
export function withoutShownOnce(json: string, fields: readonly string[]): string {
  if (fields.length === 0) return json;
  const hidden: unknown = JSON.parse(json, (key, value: unknown) => (fields.includes(key) ? null : value));
  return JSON.stringify(hidden);
}

const placeholder = /\{"\$assigned":"(\w+)"\}/g;

/**
 * The answer with every assigned number in its place. In the text, as a write has no other use for the parsed answer:
 * within a string of somebody else's, JSON escapes the quotes that a placeholder has.
 */
export function filled(draft: JsonAnswer, assigned: Readonly<Record<string, number>>): JsonAnswer {
  const json = draft.json.replaceAll(placeholder, (_, name: string) => String(assigned[name] ?? null));
  return { ...draft, json };
}

function mapValues(value: unknown, map: (value: unknown) => unknown): unknown {
  const mapped = map(value);
  if (Array.isArray(mapped)) return mapped.map((item) => mapValues(item, map));
  if (typeof mapped !== "object" || mapped === null || mapped !== value) return mapped;
  return Object.fromEntries(Object.entries(mapped).map(([key, item]) => [key, mapValues(item, map)]));
}
