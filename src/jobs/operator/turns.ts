import { type Change, note, remove, update } from "#db/changes.ts";
import type { RecordDraft } from "#db/commit.ts";
import { livingRecords, onceWithin } from "#db/once-an-hour.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import { hourMs } from "#lib/time.ts";
import { operatorNotices } from "#resources/alerts/operator-table.ts";
import { gatheringNotice } from "#resources/alerts/queries.ts";
import type { OperatorNotice } from "./carrier.ts";

/** So many notices of a kind a carrier is handed within an hour, of all businesses together. */
const mostAnHour = 20;

/** The record that makes a turn one notice's alone, or what has it wait instead. */
type Turn =
  | { readonly kind: "free"; readonly once: RecordDraft }
  | { readonly kind: "wait"; readonly changes: readonly Change[] };

/** Whether it is this notice's turn; where it is not, it waits, or is summed up in another that does. */
export async function turnOf(directory: TenantSession, notice: OperatorNotice, now: number): Promise<Turn> {
  const { carrier, kind, id } = notice;
  const operation = `operator-turn ${carrier} ${kind}`;
  const { taken, gathering } = await directory.read({
    taken: livingRecords(operation, now),
    gathering: gatheringNotice({ carrier, kind, id }, now),
  });
  const free = turns.find((turn) => !taken.some(({ about }) => about === turn));
  if (free !== undefined) return { kind: "free", once: onceWithin(hourMs, operation, free, now) };
  const [into] = gathering;
  const [nextTryAt = notice.nextTryAt] = taken.map(({ until }) => until).toSorted();
  return {
    kind: "wait",
    changes: into ? summedUp(notice, into, now) : [update(operatorNotices, notice, { nextTryAt }, now)],
  };
}

const turns = Array.from({ length: mostAnHour }, (_, turn) => String(turn));

function summedUp(notice: OperatorNotice, into: OperatorNotice, now: number): Change[] {
  const { id, carrier, sourceId, ofTenant, count, fromAt, toAt } = notice;
  const sum = {
    count: into.count + count,
    fromAt: fromAt < into.fromAt ? fromAt : into.fromAt,
    toAt: toAt > into.toAt ? toAt : into.toAt,
    ofTenant: ofTenant === into.ofTenant ? ofTenant : null,
  };
  return [
    update(operatorNotices, into, sum, now),
    remove(operatorNotices, notice),
    note("operator-notice", id, { outcome: "summed-up", carrier, sourceId, into: into.sourceId }),
  ];
}
