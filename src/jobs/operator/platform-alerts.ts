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
/** Told of in one batch, by each of the carriers. */
const mostRows = 50;

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
    const found = await session.read({ progress: alertProgress, rows: unalertedRows(names) });
    const rows = found.rows.slice(0, mostRows);
    const last = found.rows.length > mostRows ? rows.at(-1) : undefined;
    // What is left of them comes with the next page.
    const progress = { ...found.progress, to: last?.seq ?? found.progress.to };
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

function toldOf({ seq, entity, entityId, createdAt }: AlertedRow) {
  const kind = platformRules.find((rule) => rule.entity === entity)?.kind ?? "not-opened";
  const when = { count: 1, fromAt: createdAt, toAt: createdAt };
  // Whose log it is; the platform has one as well.
  const ofTenant = entity === "audit-log" && entityId !== platformTenant ? entityId : null;
  return { sourceId: `platform-${seq}`, kind, severity: "critical" as const, ofTenant, ...when };
}
