import { load } from "./load.ts";
import { cpuMsOf } from "./process.ts";
import type { Scenario, Subject } from "./subjects.ts";

interface Sample {
  readonly requestsPerSecond: number;
  readonly latenciesMs: readonly number[];
  /** Of all workerd's threads, for one request. */
  readonly cpuMs: number;
}

export interface Summary {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMs: number;
}

interface Measured {
  readonly samples: readonly Sample[];
  readonly summary: Summary;
}

export type Figures = Readonly<Record<"keyline" | "bare", Measured>>;

export interface Plan {
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
}

// Until little is compiled any more: what is measured is how it goes on.
const warmUpSeconds = 10;
const mostHashing = 4;

/** Both in turn, so that whatever else the machine does meets both. */
export async function measure(
  scenario: Scenario,
  { keyline, bare }: Readonly<Record<"keyline" | "bare", Subject>>,
  asked: Plan,
): Promise<Figures> {
  // An isolate hashes nine passwords at once, and an account takes five tries at a time.
  const { connections } = scenario === "sign-in" ? { connections: mostHashing } : asked;
  const plan = { ...asked, connections };
  for (const subject of [keyline, bare]) await sample(scenario, subject, { ...plan, seconds: warmUpSeconds });
  const samples: Record<"keyline" | "bare", Sample[]> = { keyline: [], bare: [] };
  for (let round = 0; round < plan.rounds; round += 1) {
    samples.keyline.push(await sample(scenario, keyline, plan));
    samples.bare.push(await sample(scenario, bare, plan));
  }
  return { keyline: summarised(samples.keyline), bare: summarised(samples.bare) };
}

/** The medians of each round's ratio; above 1 we would be the faster. */
export function ratiosOf({ keyline, bare }: Figures): { requestsPerSecond: number; cpu: number } {
  const pairs = keyline.samples.flatMap((ours, round) => {
    const theirs = bare.samples[round];
    return theirs ? [{ ours, theirs }] : [];
  });
  return {
    requestsPerSecond: median(
      pairs.map(({ ours, theirs }) => ours.requestsPerSecond / theirs.requestsPerSecond),
    ),
    cpu: median(pairs.map(({ ours, theirs }) => theirs.cpuMs / ours.cpuMs)),
  };
}

async function sample(scenario: Scenario, subject: Subject, plan: Plan): Promise<Sample> {
  const { deployment, calls } = subject;
  const before = await cpuMsOf(deployment.workerdPid);
  const round = await load(deployment.url, calls[scenario], plan);
  // The call log is the tenants', and signing in is nobody's yet.
  if (scenario !== "sign-in") subject.sent += round.latenciesMs.length;
  const spentMs = (await cpuMsOf(deployment.workerdPid)) - before;
  return { ...round, cpuMs: spentMs / round.latenciesMs.length };
}

function summarised(samples: readonly Sample[]): Measured {
  const latencies = samples.flatMap(({ latenciesMs }) => latenciesMs);
  return {
    samples,
    summary: {
      requestsPerSecond: median(samples.map(({ requestsPerSecond }) => requestsPerSecond)),
      p50Ms: quantile(latencies, 0.5),
      p99Ms: quantile(latencies, 0.99),
      cpuMs: median(samples.map(({ cpuMs }) => cpuMs)),
    },
  };
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
