import { type Change, insert } from "#db/changes.ts";
import { dayMs, timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { alertNotices, alerts } from "#resources/alerts/table.ts";

const agoMs = 30 * dayMs;

/** An alert of this key, of which everybody was told a month ago. */
export function oldAlert(keyId: string, seededAt: number): Change[] {
  const now = seededAt - agoMs;
  const [alertId, at] = [newId("alr"), timestamp(now)];
  const alert = {
    id: alertId,
    kind: "new-country" as const,
    severity: "warning" as const,
    subjectId: keyId,
    count: 1,
    told: 1,
    firstAt: at,
    lastAt: at,
    toldAt: at,
  };
  const notice = {
    kind: "new-country" as const,
    count: 1,
    fromAt: at,
    toAt: at,
    mailedAt: at,
    passedOnAt: at,
  };
  return [insert(alerts, alert, now), insert(alertNotices, { id: newId("ntc"), alertId, ...notice }, now)];
}
