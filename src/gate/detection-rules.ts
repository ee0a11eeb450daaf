import type { AlertKind } from "#db/alert-kinds.ts";
import { type Note, note } from "#db/changes.ts";
import { hourMs, minuteMs } from "#lib/time.ts";

/** What is found stands in the audit as a note of this entity; its action is the kind, and alerts are made of it there. */
export const detectionEntity = "detection";

/** Calls of a window, of one principal or of the whole business, from the call log; best effort as that is. */
export interface CallsRule {
  readonly kind: AlertKind;
  readonly source: "calls";
  readonly counts: "refusals" | "personal-data";
  readonly key: "principal" | "business";
  readonly windowMs: number;
  /** As many within the window are one; what tells of people counts by its weight, which is ten for a page. */
  readonly threshold: number;
}

/** Where and when a principal comes, as its gate sees it. */
export interface ArrivalsRule {
  readonly kind: "new-country" | "impossible-travel" | "dormant-key" | "key-elsewhere";
  readonly source: "arrivals";
  readonly key: "principal";
  /** Days without a use, km an hour, or times. */
  readonly threshold: number;
}

/** How old keys are. */
interface AgesRule {
  readonly kind: AlertKind;
  readonly source: "ages";
  readonly key: "principal";
  /** The part of the longest age. */
  readonly threshold: number;
}

export const callsRules: readonly CallsRule[] = [
  {
    kind: "refusals",
    source: "calls",
    counts: "refusals",
    key: "principal",
    windowMs: 5 * minuteMs,
    threshold: 60,
  },
  {
    kind: "refusals",
    source: "calls",
    counts: "refusals",
    key: "business",
    windowMs: 5 * minuteMs,
    threshold: 300,
  },
  {
    kind: "mass-reading",
    source: "calls",
    counts: "personal-data",
    key: "principal",
    windowMs: hourMs,
    threshold: 600,
  },
  // Whoever has several keys reads with all of them.
  {
    kind: "mass-reading",
    source: "calls",
    counts: "personal-data",
    key: "business",
    windowMs: hourMs,
    threshold: 3_000,
  },
];

export const arrivalsRules = {
  /** Of the countries of which it is remembered that it came from there. */
  newCountry: { kind: "new-country", source: "arrivals", key: "principal", threshold: 1 },
  /** Faster than any airliner. */
  impossibleTravel: { kind: "impossible-travel", source: "arrivals", key: "principal", threshold: 900 },
  dormantKey: { kind: "dormant-key", source: "arrivals", key: "principal", threshold: 90 },
  elsewhere: { kind: "key-elsewhere", source: "arrivals", key: "principal", threshold: 1 },
} as const satisfies Readonly<Record<string, ArrivalsRule>>;

/** Half-way from when its business was told that it nears its longest age to that age, at which it is let in no more. */
export const rotationRule = {
  kind: "rotation-overdue",
  source: "ages",
  key: "principal",
  threshold: 0.9,
} as const satisfies AgesRule;

/** What rules may find, each once. */
export const detectedKinds: readonly AlertKind[] = [
  ...new Set(
    [...callsRules, ...Object.values(arrivalsRules), rotationRule].map(({ kind }): AlertKind => kind),
  ),
];

/** The audit row of a finding. */
export function detected(kind: AlertKind, subjectId: string): Note {
  return { ...note(detectionEntity, subjectId, {}), action: kind };
}
