import { dayMs } from "#lib/time.ts";
import { rotationRule } from "./detection-rules.ts";

/** However old a key is when its tenant first asks for an age, it is let in for so long after that. */
const graceMs = 7 * dayMs;
/** At this part of the longest age a tenant is told to rotate a key. */
const dueAt = 0.8;

/** What says when a key is let in for the last time; instants as RFC 3339, ages in days. */
export interface KeyTimes {
  readonly createdAt: string;
  readonly expiresAt: string | null;
  /** Where it has a successor. */
  readonly retiresAt: string | null;
  readonly longestAge: number | null;
  readonly longestAgeSince: string | null;
}

/** ms since 1970; null where it has no end. */
export function endOfKey({
  createdAt,
  expiresAt,
  retiresAt,
  longestAge,
  longestAgeSince,
}: KeyTimes): number | null {
  const ends = [expiresAt, retiresAt].flatMap((at) => (at === null ? [] : [Date.parse(at)]));
  if (longestAge !== null) {
    const ofAge = Date.parse(createdAt) + longestAge * dayMs;
    ends.push(Math.max(ofAge, Date.parse(longestAgeSince ?? createdAt) + graceMs));
  }
  return ends.length === 0 ? null : Math.min(...ends);
}

interface Told {
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
  readonly successorId: string | null;
  readonly rotatedAt: string | null;
  readonly retiresAt: string | null;
  readonly ageTold: number | null;
  readonly overdueTold: number | null;
}

/** It has a successor, and was used in the last quarter of the overlap, which is now. */
export function isStillUsed({ lastUsedAt, rotatedAt, retiresAt }: Told, now: number): boolean {
  if (lastUsedAt === null || rotatedAt === null || retiresAt === null) return false;
  const end = Date.parse(retiresAt);
  const quarter = end - (end - Date.parse(rotatedAt)) / 4;
  return now >= quarter && now < end && Date.parse(lastUsedAt) >= quarter;
}

/** It nears this age (days), has no successor or end of its own before, and its tenant was not told so. */
export function isRotationDue(key: Told, longestAge: number, now: number): boolean {
  return key.ageTold !== longestAge && isOld(key, longestAge * dueAt, now);
}

/** The same of being so near to it that its tenant is alerted. */
export function isRotationOverdue(key: Told, longestAge: number, now: number): boolean {
  return key.overdueTold !== longestAge && isOld(key, longestAge * rotationRule.threshold, now);
}

function isOld(key: Told, days: number, now: number): boolean {
  if (key.successorId !== null) return false;
  if (key.expiresAt !== null && Date.parse(key.expiresAt) <= now) return false;
  return Date.parse(key.createdAt) <= now - days * dayMs;
}
