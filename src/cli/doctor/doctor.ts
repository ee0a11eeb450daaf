import { signedInAccount } from "#cli/cloudflare-api.ts";
import { type Configuration, configuration } from "#cli/configuration.ts";
import { type LockState, lockStates } from "#cli/locks.ts";
import { sinkLag } from "#jobs/audit-sinks/sink-lag.ts";
import type { Env } from "#platform/env.ts";
import { type Finding, type Group, red, unseen } from "./finding.ts";
import { judgeKeys, keyFacts } from "./keys.ts";
import { judgeLimits, judgeSettings } from "./limits.ts";
import { judgeLocks } from "./locks.ts";
import { judgeOwners, ownerFacts } from "./owners.ts";
import { report } from "./report.ts";
import { judgeRetention, retentionFacts } from "./retention.ts";
import { judgeSchemas, schemaFacts } from "./schema.ts";
import { judgeSinks } from "./sinks.ts";
import { judgeSweeps, sweepFacts } from "./sweeps.ts";
import { judgeTransport, transportFacts } from "./transport.ts";

/** What is graded: the databases at hand, and the deployment that they are of. */
interface Patient {
  readonly env: Env;
  readonly isRemote: boolean;
  /** Where it answers, where that was said. */
  readonly url: string | null;
  readonly now: number;
  readonly config: Configuration;
}

/** Each group gathers its facts, and judges them purely. */
const groups: Readonly<Record<string, (patient: Patient) => Promise<Finding[]>>> = {
  Keys: async ({ env, now }) => judgeKeys(await keyFacts(env, now), now),
  Schema: async ({ env }) => judgeSchemas(await schemaFacts(env)),
  Locks: async ({ isRemote }) => judgeLocks(isRemote ? await askedLocks() : "local buckets have none"),
  "Copies of the audit's logs": async ({ env, now }) => judgeSinks(await sinkLag(env, now)),
  Limits: async ({ config }) => judgeLimits(config),
  Settings: async ({ config, isRemote }) => judgeSettings(config, isRemote),
  "Transport and headers": transport,
  Owners: async ({ env }) => judgeOwners(await ownerFacts(env)),
  Retention: async ({ env, now }) => judgeRetention(await retentionFacts(env, now)),
  "Pending sweeps": async ({ env, now }) => judgeSweeps(await sweepFacts(env, now)),
};

/** Grades a deployment; done where nothing is red. */
export async function examine(
  env: Env,
  { isRemote, url, now }: { isRemote: boolean; url: string; now: number },
): Promise<{ said: string; isDone: boolean }> {
  if (url !== "" && !/^https?:\/\/[^/?#]+\/?$/.test(url))
    throw new Error("--url takes an origin, such as https://api.example.com");
  const patient = { env, isRemote, url: url === "" ? null : url, now, config: configuration() };
  const graded: Group[] = [];
  for (const [name, group] of Object.entries(groups))
    graded.push({ name, findings: await group(patient).catch((error: unknown) => [failed(error)]) });
  const isDone = !graded.some(({ findings }) => findings.some(({ grade }) => grade === "red"));
  const isColoured = process.stdout.isTTY === true && !process.env.NO_COLOR;
  return { said: report(graded, isColoured), isDone };
}

function failed(error: unknown): Finding {
  return red(`This could not be looked at: ${messageOf(error)}.`, "correct that, then run the doctor again");
}

async function askedLocks(): Promise<LockState[] | string> {
  try {
    return await lockStates(await signedInAccount());
  } catch (error) {
    return messageOf(error);
  }
}

async function transport({ isRemote, url, now, config }: Patient): Promise<Finding[]> {
  const address = url ?? (isRemote ? String(config.vars.PUBLIC_ORIGIN) : null);
  if (address === null || !URL.canParse(address))
    return [unseen("Headers, redirects and TLS", "no --url was given")];
  return judgeTransport(await transportFacts(address, config.vars.MIN_TLS), now);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
