import {
  type AlertedRow,
  alertProgress,
  goneThrough,
  moveOn,
  rowsAtOnce,
  unalertedRows,
} from "#db/alert-progress.ts";
import { platformTenant } from "#db/directory-tables.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { operatorSession, tellingOperator, wakeOperator } from "./tell-operator.ts";

const mostPages = 20;

/** What is amiss with the platform, as its own audit has it: once an hour each, by who writes it. */
const platformRules = [
  { entity: "schema", action: "note", kind: "schema-altered" },
  { entity: "audit-log", action: "note", kind: "audit-broken" },
  { entity: "sealed-value", action: "note", kind: "not-opened" },
] as const;

/** Goes through the platform's audit, and has the operator told of what is amiss there; each row once. */
export async function alertOperator(env: Env, now: number): Promise<void> {
  const session = operatorSession(env);
  const names = platformRules.map(({ entity, action }) => `${entity} ${action}`);
  for (let page = 0; page < mostPages; page += 1) {
    const { progress, rows } = await session.read({ progress: alertProgress, rows: unalertedRows(names) });
    const telling = rows.flatMap((row) => tellingOperator(env, toldOf(row), now));
    if (telling.length > 0) {
      const run = { job: "jobs.operator", requestId: newId("run"), now };
      const changes = [...telling, goneThrough(platformTenant, progress)];
      if ((await commitAsSystem(session, run, changes)).kind !== "committed") return;
      await wakeOperator(
        env,
        telling.map(({ row }) => row.id),
      );
      continue;
    }
    if (progress.to > progress.from) await session.execute([moveOn(platformTenant, progress)]);
    if (progress.to - progress.from < rowsAtOnce) return;
  }
}

function toldOf({ seq, entity, createdAt }: AlertedRow) {
  const kind = platformRules.find((rule) => rule.entity === entity)?.kind ?? "not-opened";
  const when = { count: 1, fromAt: createdAt, toAt: createdAt };
  return { sourceId: `platform-${seq}`, kind, severity: "critical" as const, ofTenant: null, ...when };
}
