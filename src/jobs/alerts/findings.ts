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
    const storm = await stormOf(session, rule, first, to);
    const own = storm ? meant.filter(({ createdAt }) => storm.includes(createdAt)) : meant;
    const subjectOf = ({ entityId }: AlertedRow) =>
      isOfWhole || entityId === session.tenantId ? null : entityId;
    for (const [subjectId, ofSubject] of Map.groupBy(own, subjectOf)) {
      const instants = storm === null || isBegun(rule) ? ofSubject.map(({ createdAt }) => createdAt) : storm;
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

/** When there was what is one storm, or several, with so many within its time; null where the rule knows of none. */
async function stormOf(
  session: TenantSession,
  { storm, entity, action }: CriticalRule,
  first: AlertedRow,
  to: number,
): Promise<string[] | null> {
  if (!storm) return null;
  const { operation, atLeast, withinMs } = storm;
  const from = timestamp(Date.parse(first.createdAt) - withinMs);
  const { instants } = await session.read({
    instants: rowsOfAction({ operation, entity, action }, from, to),
  });
  return within(instants, atLeast, withinMs);
}

/** Those of these instants, RFC 3339, that lie with others, so many in all, within this time. */
function within(instants: readonly string[], atLeast: number, ms: number): string[] {
  const sorted = instants.toSorted();
  const isStormFrom = sorted.map((from, index) => {
    const last = sorted[index + atLeast - 1];
    return last !== undefined && Date.parse(last) - Date.parse(from) <= ms;
  });
  return sorted.filter((_, index) =>
    isStormFrom.slice(Math.max(0, index - atLeast + 1), index + 1).includes(true),
  );
}

function spanOf(instants: readonly string[]): { from: string; to: string } {
  const [from = "", ...others] = instants.toSorted();
  return { from, to: others.at(-1) ?? from };
}
