import { type Bucket, lockFaults, lockOf, type Rule, withLock } from "./bucket-locks.ts";
import { type Account, signedInAccount } from "./cloudflare-api.ts";
import { configuration } from "./configuration.ts";

/** A bucket that has to be locked, and what keeps it from being so; none where it is. */
export interface LockState {
  readonly bucket: Bucket;
  readonly faults: readonly string[];
}

interface Outcome {
  readonly said: string;
  readonly isDone: boolean;
}

/** Locks what is not locked yet. No rule that is there is removed, or made weaker. */
export async function setLocks(): Promise<Outcome> {
  const account = await signedInAccount();
  const refused = new Map<string, string>();
  for (const { bucket, rule } of bucketsToLock()) {
    try {
      const found = await account.lockRules(bucket);
      if (lockFaults(found).length > 0) await account.putLockRules(bucket, withLock(found, rule));
    } catch (error) {
      refused.set(bucket.name, `could not be locked: ${messageOf(error)}`);
    }
  }
  const states = await lockStates(account);
  return shown(
    states.map(({ bucket, faults }) => {
      const why = refused.get(bucket.name);
      return { bucket, faults: why === undefined ? faults : [why] };
    }),
  );
}

export async function checkLocks(): Promise<Outcome> {
  return shown(await lockStates(await signedInAccount()));
}

export async function lockStates(account: Account): Promise<LockState[]> {
  return await Promise.all(
    bucketsToLock().map(async ({ bucket }) => {
      try {
        return { bucket, faults: lockFaults(await account.lockRules(bucket)) };
      } catch (error) {
        return { bucket, faults: [`could not be looked at: ${messageOf(error)}`] };
      }
    }),
  );
}

function bucketsToLock(): { bucket: Bucket; rule: Rule }[] {
  return configuration().r2_buckets.flatMap((bucket) => {
    const rule = lockOf(bucket);
    return rule === null ? [] : [{ bucket, rule }];
  });
}

function shown(states: readonly LockState[]): Outcome {
  const isDone = states.every(({ faults }) => faults.length === 0);
  const lines = states.flatMap(({ bucket, faults }) =>
    faults.length === 0
      ? [`${bucket.name} is locked for good.`]
      : faults.map((fault) => `${bucket.name} ${fault}.`),
  );
  const remedy = "`npm run keyline -- locks set` locks what can be locked.";
  return { said: [...lines, ...(isDone ? [] : [remedy])].join("\n"), isDone };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
