import { kekKid } from "#crypto/kek.ts";
import { CellDoctor } from "#db/cell-doctor.ts";
import { CellSystem } from "#db/cell-system.ts";
import { openDirectory } from "#db/directory.ts";
import { type DirectoryKeyTerms, directoryKeyTerms, kekWrapsSince } from "#db/directory-key-terms.ts";
import { platformTenant } from "#db/directory-tables.ts";
import { keksOf } from "#db/keks.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { Store } from "#db/store.ts";
import { longestKeyAgeMs, mostKeyUses, usesPer } from "#db/tenant-keys.ts";
import { lifetimes, overlapMs } from "#jobs/directory-keys.ts";
import { oldSecretsOf } from "#jobs/tell-old-secrets.ts";
import { dayMs, hourMs, minuteMs, timestamp } from "#lib/time.ts";
import { cellsOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { counted, type Finding, graded, green, red, unseen, warning } from "./finding.ts";

/** Of all databases together; each count stops at `mostCounted`. */
export interface KeyFacts {
  /** The newest key-encryption key, or why there is none; null where none is at hand. */
  readonly kek:
    | {
        readonly kid: string;
        readonly opens: boolean;
        readonly behind: number;
        readonly since: string | null;
      }
    | { readonly fault: string }
    | null;
  readonly terms: DirectoryKeyTerms;
  readonly unchecked: number;
  readonly spent: number;
  readonly spentPeople: number;
  readonly inLongRotation: number;
  readonly oldSecrets: number;
}

const mostCounted = 100;
const mostSecretsCounted = 1000;
// Cron looks at each tenant's keys once a day, and begins a rotation when one is due.
const checkedWithinMs = 2 * dayMs;
const rotatedWithinMs = 7 * dayMs;
// Nobody but the operator can make another; a month's grace after a year.
const longestKekAgeMs = 400 * dayMs;
const cronIsLateMs = 10 * minuteMs;

const toSee = "see what cron logs (`npx wrangler tail`), and whether its trigger is deployed";

type Sum = (
  ids: (place: { system: CellSystem; doctor: CellDoctor }) => Promise<readonly string[]>,
) => Promise<number>;

export async function keyFacts(env: Env, now: number): Promise<KeyFacts> {
  const systems = [env.DIRECTORY, ...cellsOf(env).map(({ database }) => database)].map((database) => {
    const store = new Store(database, "first-primary");
    return { system: new CellSystem(store), doctor: new CellDoctor(store) };
  });
  const sum: Sum = async (ids) => (await Promise.all(systems.map(ids))).flat().length;
  const spentBefore = timestamp(now - longestKeyAgeMs - checkedWithinMs);
  return {
    kek: env.KEYLINE_KEKS || env.KEYLINE_KMS_TOKENS ? await kekFacts(env, sum) : null,
    terms: await directoryKeyTerms(keylessSession(env.DIRECTORY, platformTenant)),
    unchecked: await sum(({ doctor }) => doctor.tenantsWithForgottenKeys(timestamp(now - checkedWithinMs))),
    spent: await sum(({ doctor }) => doctor.tenantsWithSpentKeys(spentBefore, mostKeyUses)),
    spentPeople: await sum(({ doctor }) => doctor.tenantsWithSpentPeople(mostKeyUses, usesPer)),
    inLongRotation: await sum(({ doctor }) =>
      doctor.tenantsInRotationSince(timestamp(now - rotatedWithinMs)),
    ),
    oldSecrets: await oldSecretsOf(env, now),
  };
}

async function kekFacts(env: Env, sum: Sum): Promise<KeyFacts["kek"]> {
  let kid: string;
  try {
    kid = kekKid((await keksOf(env)).currentVersion);
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) };
  }
  const opens = await openDirectory(env).then(
    () => true,
    () => false,
  );
  const since = await kekWrapsSince(keylessSession(env.DIRECTORY, platformTenant), kid);
  return { kid, opens, behind: await sum(({ system }) => system.tenantsNotWrappedBy(kid)), since };
}

export function judgeKeys(
  { kek, terms, unchecked, spent, spentPeople, inLongRotation, oldSecrets }: KeyFacts,
  now: number,
): Finding[] {
  return [
    ...judgeKeks(kek, now),
    judgeTerm("signing key", terms.signsFrom, lifetimes.signing - overlapMs, now),
    judgeTerm("key that signs the audit's heads", terms.signsHeadsFrom, lifetimes.heads, now),
    judgeTerm("key pepper", terms.peppersFrom, lifetimes.pepper, now),
    graded(
      spent === 0,
      `No owner's newest key is older than ${days(longestKeyAgeMs)}, or has sealed ${mostKeyUses} times.`,
      `${counted(spent, mostCounted, "owner")} of keys whose newest is older than ${days(longestKeyAgeMs)}, or has sealed too often.`,
      "run `npm run keyline -- keys rotate --remote`",
    ),
    graded(
      spentPeople === 0,
      `No person's key can have sealed ${mostKeyUses} times.`,
      `${counted(spentPeople, mostCounted, "owner")} who sealed so much that a person's key may have done so ${mostKeyUses} times.`,
      "a person's key never changes: find whose rows or calls are so many in the owner's audit, and have new ones made (customer, API key, member)",
    ),
    graded(
      unchecked === 0,
      "Cron has looked at every owner's keys within two days.",
      `${counted(unchecked, mostCounted, "owner")} of keys that cron has not looked at for two days.`,
      toSee,
    ),
    graded(
      inLongRotation === 0,
      "No rotation of keys has been under way for a week.",
      `${counted(inLongRotation, mostCounted, "rotation")} of keys under way for more than a week.`,
      "see `npm run keyline -- keys status --remote`, then `keys rotate --remote`, which goes on with them",
    ),
    judgeSecrets(oldSecrets),
  ];
}

function judgeSecrets(old: number): Finding {
  if (old === 0) return green("No webhook secret that signs is older than a year.");
  return warning(
    `${counted(old, mostSecretsCounted, "secret")} of webhooks older than a year.`,
    "their tenants have been told, and alone can rotate them (POST …/webhook-endpoints/{id}/rotate-secret): remind whoever does not",
  );
}

function judgeKeks(kek: KeyFacts["kek"], now: number): Finding[] {
  if (kek === null) return [unseen("The key-encryption keys", "KEYLINE_KEKS is not in the environment")];
  if ("fault" in kek)
    return [red(`The key-encryption keys cannot be used: ${kek.fault}.`, "correct them (README, Deploy)")];
  const { kid, opens, behind, since } = kek;
  const ageMs = since === null ? 0 : now - Date.parse(since);
  return [
    graded(
      opens,
      "The key-encryption keys open the directory's own.",
      "The key-encryption keys do not open the directory's own.",
      "set KEYLINE_KEKS to the deployment's, with every version that still wraps a key",
    ),
    graded(
      behind === 0,
      `Every key is wrapped by the newest key-encryption key, ${kid}.`,
      `${counted(behind, mostCounted, "owner")} of keys that ${kid} does not wrap.`,
      "take no version out of KEYLINE_KEKS; `npm run keyline -- keys rotate --remote` wraps them now",
    ),
    graded(
      ageMs <= longestKekAgeMs,
      `The newest key-encryption key, ${kid}, has wrapped for ${days(Math.max(0, ageMs))}, of ${days(longestKekAgeMs)} that it may.`,
      `The newest key-encryption key, ${kid}, has wrapped for ${days(ageMs)}, longer than ${days(longestKekAgeMs)}.`,
      "append another version to KEYLINE_KEKS, or to KEYLINE_KMS, and deploy (src/cli/README.md, Keys)",
    ),
  ];
}

function judgeTerm(what: string, from: string | null, termMs: number, now: number): Finding {
  if (from === null) return red(`There is no ${what}.`, toSee);
  const ageMs = now - Date.parse(from);
  return graded(
    ageMs <= termMs + cronIsLateMs,
    ageMs < 0
      ? `The next ${what} is ready.`
      : `The ${what} is ${days(ageMs)} old, of ${days(termMs)} that it serves.`,
    `The ${what} is ${days(ageMs)} old and has no successor, though its term is ${days(termMs)}.`,
    toSee,
  );
}

function days(ms: number): string {
  const count = Math.round(ms / dayMs);
  if (ms < hourMs) return "less than an hour";
  return ms < dayMs ? `${Math.floor(ms / hourMs)} h` : `${count} ${count === 1 ? "day" : "days"}`;
}
