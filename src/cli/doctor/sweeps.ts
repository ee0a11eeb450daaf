import { CellDoctor } from "#db/cell-doctor.ts";
import { CellSystem } from "#db/cell-system.ts";
import { LogSystem } from "#db/log-system.ts";
import { Store } from "#db/store.ts";
import { callsKeptMs } from "#jobs/call-retention.ts";
import { forgettables } from "#jobs/forget-rows.ts";
import { dayMs, hourMs, hourStart, minuteMs, timestamp } from "#lib/time.ts";
import { cellsOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { counted, type Finding, green, red } from "./finding.ts";

interface Sweep {
  readonly noun: string;
  /** How long it may wait; cron comes every minute, and does a bounded number of each. */
  readonly withinMs: number;
  waiting(place: Place, before: string, now: number): Promise<readonly unknown[]>;
}

interface Place {
  readonly system: CellSystem;
  readonly doctor: CellDoctor;
  readonly log: LogSystem;
}

const auditSweep: Sweep = {
  noun: "owner of audit rows that are no leaves of their log",
  withinMs: 10 * minuteMs,
  waiting: ({ doctor }, before) => doctor.tenantsWithUnloggedAuditSince(before),
};
const rolledBack: Sweep = {
  noun: "owner with fewer audit rows than leaves of its log",
  withinMs: 0,
  waiting: ({ doctor }) => doctor.tenantsBehindTheirLog(),
};
const sweepsOfAudit = [auditSweep, rolledBack];
const sweepsOfCell: readonly Sweep[] = [
  ...sweepsOfAudit,
  {
    noun: "tenant with events that nobody took",
    withinMs: 10 * minuteMs,
    waiting: ({ system }, before) => system.tenantsWithPendingEvents(before),
  },
  {
    noun: "effect intended and never settled",
    withinMs: 15 * minuteMs,
    waiting: ({ system }, before) => system.staleIntents(before),
  },
  {
    noun: "endpoint with webhooks due",
    withinMs: 10 * minuteMs,
    waiting: ({ system }, before) => system.endpointsWithDueDeliveries(before),
  },
  {
    noun: "file to be checked",
    withinMs: hourMs,
    waiting: ({ system }, before) => system.filesToCheck(before),
  },
  {
    noun: "file to be purged",
    withinMs: dayMs,
    waiting: ({ system }, before) => system.filesToPurge(before),
  },
  {
    noun: "row to be forgotten",
    withinMs: dayMs,
    waiting: ({ system }, before) => system.rowsToForget(forgettables, Date.parse(before)),
  },
  {
    noun: "tenant with alerts to be told of",
    withinMs: hourMs,
    waiting: ({ system }, before) => system.tenantsToTell(before),
  },
  {
    noun: "hour of calls to be archived",
    withinMs: 2 * hourMs,
    waiting: ({ log }, before, now) => log.hoursToArchive(timestamp(hourStart(now - callsKeptMs)), before),
  },
];

/** How many wait too long, of one sweep in one place. */
export interface Backlog {
  readonly where: string;
  readonly noun: string;
  readonly withinMs: number;
  readonly waiting: number;
}

// The least number that any of these reads stops at.
const mostCounted = 25;

export async function sweepFacts(env: Env, now: number): Promise<Backlog[]> {
  const places = [
    { where: "The directory", database: env.DIRECTORY, log: env.DIRECTORY, sweeps: sweepsOfAudit },
    ...cellsOf(env).map(({ id, database, log }) => ({
      where: `Cell ${id}`,
      database,
      log,
      sweeps: sweepsOfCell,
    })),
  ];
  return await Promise.all(
    places.flatMap(({ where, database, log, sweeps }) => {
      const store = new Store(database, "first-primary");
      const place = {
        system: new CellSystem(store),
        doctor: new CellDoctor(store),
        log: new LogSystem(new Store(log, "first-primary")),
      };
      return sweeps.map(async ({ noun, withinMs, waiting }) => {
        const found = await waiting(place, timestamp(now - withinMs), now);
        return { where, noun, withinMs, waiting: found.length };
      });
    }),
  );
}

/** One line for each place that is up to date, one for each backlog of the others. */
export function judgeSweeps(backlogs: readonly Backlog[]): Finding[] {
  return [...Map.groupBy(backlogs, ({ where }) => where)].flatMap(([where, ofPlace]) => {
    const late = ofPlace.filter(({ waiting }) => waiting > 0);
    if (late.length === 0)
      return [
        green(`${where}: of ${ofPlace.length} ${ofPlace.length === 1 ? "sweep" : "sweeps"}, none is behind.`),
      ];
    return late.map(({ noun, withinMs, waiting }) =>
      withinMs === 0
        ? red(
            `${where}: ${counted(waiting, mostCounted, noun)}.`,
            "if an older copy was restored there, see `audit resume` (src/cli/README.md); if not, somebody changed it by hand",
          )
        : red(
            `${where}: ${counted(waiting, mostCounted, noun)} for more than ${withinMs / minuteMs} minutes.`,
            "see what cron and the queues' consumers log (`npx wrangler tail`), and whether both are deployed",
          ),
    );
  });
}
