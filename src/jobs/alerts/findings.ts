import { type AlertedRow, rowBefore, rowsOfAction } from "#db/alert-progress.ts";
import { auditedBy } from "#db/audited-by.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import { timestamp } from "#lib/time.ts";
import type { Finding } from "#resources/alerts/rules.ts";
import { type CriticalRule, criticalRules, founding } from "./critical.ts";

/** By what the audit is searched: an entity and an action. */
export const criticalNames: readonly string[] = [
  ...new Set(criticalRules.map(({ entity, action }) => `${entity} ${action}`)),
];

/** What these rows of the audit, the next ones up to `to`, are by the rules; one finding for each kind and subject. */
export async function findingsOf(
  session: TenantSession,
  all: readonly AlertedRow[],
  { to, isBegun }: { readonly to: number; readonly isBegun: (rule: CriticalRule) => boolean },
): Promise<Finding[]> {
  const rows = await newsOf(session, all);
  const named = criticalRules.map((rule) => ({
    rule,
    found: rows.filter(({ entity, action }) => entity === rule.entity && action === rule.action),
  }));
  const asked = named.flatMap(({ rule, found }) => (rule.is ? found : []));
  const before =
    asked.length === 0
      ? {}
      : await session.read(Object.fromEntries(asked.map((row) => [row.seq, rowBefore(row)])));
  const findings: Finding[] = [];
  for (const { rule, found } of named) {
    const { kind, is, isOfWhole } = rule;
    const meant = is ? found.filter((row) => is(row, before[row.seq] ?? null)) : found;
    const [first] = meant;
    if (!first) continue;
    const storm = await beginningOf(session, rule, first, to);
    if (storm === "calm") continue;
    for (const [subjectId, own] of Map.groupBy(meant, ({ entityId }) => (isOfWhole ? null : entityId))) {
      const instants = storm === null || isBegun(rule) ? own.map(({ createdAt }) => createdAt) : storm;
      findings.push({ kind, subjectId, ...spanOf(instants), times: instants.length });
    }
  }
  return findings;
}

async function newsOf(session: TenantSession, rows: readonly AlertedRow[]): Promise<readonly AlertedRow[]> {
  const made = rows.filter(({ action }) => action === "created").map(({ seq }) => seq);
  if (made.length === 0) return rows;
  const { by } = await session.read({ by: auditedBy(made) });
  return rows.filter(({ seq }) => !founding.includes(by.get(seq) ?? ""));
}

/** All that a storm has had so far; null where the rule knows of none. */
async function beginningOf(
  session: TenantSession,
  { storm, entity, action }: CriticalRule,
  first: AlertedRow,
  to: number,
): Promise<string[] | "calm" | null> {
  if (!storm) return null;
  const { operation, atLeast, withinMs } = storm;
  const from = timestamp(Date.parse(first.createdAt) - withinMs);
  const { instants } = await session.read({
    instants: rowsOfAction({ operation, entity, action }, from, to),
  });
  return instants.length < atLeast ? "calm" : instants;
}

function spanOf(instants: readonly string[]): { from: string; to: string } {
  const [from = "", ...others] = instants.toSorted();
  return { from, to: others.at(-1) ?? from };
}
