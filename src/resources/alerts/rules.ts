import { type AlertKind, alertKinds, type Severity } from "#db/alert-kinds.ts";
import { dayMs, hourMs, minuteMs, timestamp } from "#lib/time.ts";

/** What happens to the same subject again within this time is the same alert. */
export const groupedForMs = hourMs;
/** Of one kind a business is told so often at most. */
const betweenNoticesMs = 15 * minuteMs;
/** How often in a day; each kind by itself, or the noise of one could keep another from being told. */
const mostADay = { critical: 20, warning: 15 } as const satisfies Readonly<Record<Severity, number>>;

/** Of so many a notice says whom it is about. */
const mostListed = 10;

/** Something that was found in the audit, once or more often. */
export interface Finding {
  readonly kind: AlertKind;
  readonly subjectId: string | null;
  /** RFC 3339, of the first and of the last. */
  readonly from: string;
  readonly to: string;
  readonly times: number;
}

/** What an alert says of its findings; instants as RFC 3339. */
export interface AlertState {
  readonly kind: AlertKind;
  readonly subjectId: string | null;
  readonly count: number;
  readonly told: number;
  readonly firstAt: string;
  readonly lastAt: string;
  readonly toldAt: string | null;
  readonly tellAt: string | null;
  readonly acknowledgedAt: string | null;
}

/** What was told within a day. */
interface Told {
  readonly kind: AlertKind;
  readonly createdAt: string;
}

interface Standing<A> {
  readonly alerts: readonly A[];
  readonly notices: readonly Told[];
}

/** An alert as it becomes; `before` is null where it is new. */
export interface Draft<A> {
  readonly before: A | null;
  next: AlertState;
}

export interface NoticeDraft<A> {
  readonly kind: AlertKind;
  /** The newest of what it is about. */
  readonly alert: Draft<A>;
  /** Whom or what all of it is about, the newest first, as far as a notice lists them; none for the business as a whole. */
  readonly subjectIds: readonly string[];
  readonly count: number;
  readonly fromAt: string;
  readonly toAt: string;
}

/**
 * Puts findings to the alerts that they belong to, or into new ones, and tells of all that is untold of a kind at once
 * where that may be told of now. The counts of what has been told and of what waits add up to what was found.
 */
export function planned<A extends AlertState>(
  { alerts, notices }: Standing<A>,
  findings: readonly Finding[],
  now: number,
): { readonly drafts: Draft<A>[]; readonly notices: NoticeDraft<A>[] } {
  const drafts: Draft<A>[] = alerts.map((before) => ({ before, next: before }));
  for (const finding of findings) {
    const { kind, subjectId } = finding;
    // Whoever has seen to one is told anew of what comes after.
    const draft = drafts.find(
      ({ next }) => next.kind === kind && next.subjectId === subjectId && next.acknowledgedAt === null,
    );
    if (draft) draft.next = joined(draft.next, finding);
    else drafts.push({ before: null, next: begun(finding) });
  }
  const told: NoticeDraft<A>[] = [];
  const toldAt = timestamp(now);
  for (const [kind, waiting] of Map.groupBy(drafts.filter(isUntold), ({ next }) => next.kind)) {
    const before = notices.filter((notice) => notice.kind === kind);
    const mayTellAt = nextNoticeAt(
      before.map(({ createdAt }) => Date.parse(createdAt)),
      waiting.some(({ next }) => waitsForNoDay(next)) ? Number.POSITIVE_INFINITY : mostADay[alertKinds[kind]],
    );
    const isDue = mayTellAt <= now;
    if (isDue) told.push(noticeOf(kind, waiting));
    for (const draft of waiting)
      draft.next = isDue
        ? { ...draft.next, told: draft.next.count, toldAt, tellAt: null }
        : { ...draft.next, tellAt: timestamp(mayTellAt) };
  }
  return { drafts: drafts.filter(isChanged), notices: told };
}

function isUntold<A>({ next }: Draft<A>): boolean {
  return next.told < next.count;
}

function isChanged<A extends AlertState>({ before, next }: Draft<A>): boolean {
  return (
    before === null ||
    before.count !== next.count ||
    before.told !== next.told ||
    before.tellAt !== next.tellAt
  );
}

function joined(alert: AlertState, { times, from, to }: Finding): AlertState {
  const firstAt = from < alert.firstAt ? from : alert.firstAt;
  const lastAt = to > alert.lastAt ? to : alert.lastAt;
  return { ...alert, firstAt, lastAt, count: alert.count + times };
}

function begun({ kind, subjectId, times: count, from: firstAt, to: lastAt }: Finding): AlertState {
  return {
    kind,
    subjectId,
    count,
    firstAt,
    lastAt,
    told: 0,
    toldAt: null,
    tellAt: null,
    acknowledgedAt: null,
  };
}

const toldOnAnyDay: readonly AlertKind[] = ["owner-changed", "support-session", "policy-relaxed"];

// No noise makes these: who takes a business over could otherwise use the day up with what they may do, and then do it.
function waitsForNoDay({ kind, subjectId }: AlertState): boolean {
  const isOfPolicy = kind === "second-factor-off" && subjectId === null;
  return isOfPolicy || toldOnAnyDay.includes(kind);
}

/** When a notice may be given, ms since 1970, of a kind of which notices were given at these times of the last day. */
function nextNoticeAt(times: readonly number[], mostOfDay: number): number {
  const oldest = times.toSorted((a, b) => a - b).at(-mostOfDay);
  return Math.max(
    0,
    ...times.map((at) => at + betweenNoticesMs),
    ...(times.length >= mostOfDay && oldest !== undefined ? [oldest + dayMs] : []),
  );
}

function noticeOf<A extends AlertState>(kind: AlertKind, waiting: readonly Draft<A>[]): NoticeDraft<A> {
  const [alert, ...others] = waiting.toSorted((a, b) => (a.next.lastAt < b.next.lastAt ? 1 : -1));
  if (!alert) throw new RangeError("There is nothing to tell.");
  const all = [alert, ...others].map(({ next }) => next);
  return {
    kind,
    alert,
    subjectIds: listedSubjects(all),
    count: all.reduce((sum, { count, told }) => sum + count - told, 0),
    fromAt: all.reduce(
      (first, { firstAt, lastAt, toldAt }) => earlier(first, earlier(toldAt ?? firstAt, lastAt)),
      alert.next.lastAt,
    ),
    toAt: alert.next.lastAt,
  };
}

/** The first ten ids among them. */
export function listedSubjects(some: readonly Pick<AlertState, "subjectId">[]): string[] {
  return [...new Set(some.flatMap(({ subjectId }) => subjectId ?? []))].slice(0, mostListed);
}

function earlier(one: string, other: string): string {
  return other < one ? other : one;
}
