import type { LockState } from "#cli/locks.ts";
import { type Finding, green, red, unseen } from "./finding.ts";

/** @param states what the account says; why it could not be asked, where it could not */
export function judgeLocks(states: readonly LockState[] | string): Finding[] {
  if (typeof states === "string") return [unseen("Locks on the audit log's buckets", states)];
  return states.map(({ bucket, faults }) =>
    faults.length === 0
      ? green(`${bucket.name} is locked for good.`)
      : red(`${bucket.name} ${faults.join("; ")}.`, "run `npm run keyline -- locks set`"),
  );
}
