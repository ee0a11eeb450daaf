import { SealError } from "#crypto/envelope.ts";
import { type Caller, nobody, openCaller } from "#db/callers.ts";
import { markTold, positionsOf, type SourceEvent, sourceEvents, toldUpTo } from "#db/copied-events.ts";
import { openDirectory } from "#db/directory.ts";
import { platformTenant, users } from "#db/directory-tables.ts";
import { openableRows } from "#db/openable-rows.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import { noteUnopened } from "#db/unopened.ts";
import type { Place } from "#gate/members-of-user.ts";
import { placesOf, tenantsIn, userById } from "#identity/accounts/account-queries.ts";
import { identityEvents } from "#identity/identity-events.ts";
import { type Cell, cellsOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { errorFields, log } from "#platform/log.ts";
import { wakeTenants } from "#platform/wake-ups.ts";
import { type IdentityFact, memberTeller, type Profile } from "./tell-members.ts";

const eventsAtOnce = 50;
/** Each is two or three round trips, and cron has other work as well. */
const copiesAtOnce = 50;

/**
 * Tells tenants of what happened to how their members sign in: an audit row and an event each, once.
 *
 * Each cell has a position of its own in the directory's stream, and goes on from there. So one that is away holds up
 * nobody but itself, however long, and costs one number rather than a row for each event that it lacks; an event counts
 * as told once the last cell is past it, and stays until then.
 */
export async function copyIdentityEvents(env: Env, now: number): Promise<void> {
  const directory = await openDirectory(env);
  const cells = cellsOf(env);
  const { positions } = await directory.read({ positions: positionsOf(cells.map(({ id }) => id)) });
  // Cells that are at the same place, as all are on most days, are told of what was read once.
  const byPosition = Map.groupBy(cells, ({ id }) => positions.get(id) ?? 0);
  const reached: number[] = [];
  let isMore = false;
  for (const [position, group] of byPosition) {
    const page = await pageAfter(env, directory, position, now);
    for (const end of await Promise.all(group.map((cell) => tellCell(env, cell, directory, page, now)))) {
      reached.push(end.seq);
      isMore ||= end.isMore;
    }
  }
  await directory.execute([markTold(Math.min(...reached), now)]);
  if (isMore) await wakeTenants(env.MAILS, [platformTenant]);
}

interface Page {
  readonly position: number;
  readonly events: readonly SourceEvent[];
  /** Where each user is a member, as the directory's index has it. */
  readonly places: ReadonlyMap<string, readonly Place[]>;
  /** As their accounts have them; who cannot be opened is left out. */
  readonly profiles: ReadonlyMap<string, Profile>;
  /** Opened once for all who are told. */
  readonly callerOf: (event: SourceEvent) => Promise<Caller>;
}

async function pageAfter(env: Env, directory: TenantSession, position: number, now: number): Promise<Page> {
  const { events } = await directory.read({ events: sourceEvents(position, eventsAtOnce) });
  const userIds = [...new Set(events.flatMap((event) => userOf(event) ?? []))];
  const found =
    userIds.length === 0
      ? {}
      : await directory.read(Object.fromEntries(userIds.map((id) => [id, tenantsIn(userById(id))])));
  const places = new Map(Object.entries(found).map(([userId, tenants]) => [userId, placesOf(tenants)]));
  const callers = new Map<string, Promise<Caller>>();
  const callerOf = (event: SourceEvent) => {
    const opening = callers.get(event.id) ?? opened(env, directory, event, now);
    callers.set(event.id, opening);
    return opening;
  };
  const profiles = await profilesOf(env, directory, userIds, now);
  return { position, events, places, profiles, callerOf };
}

async function profilesOf(
  env: Env,
  directory: TenantSession,
  userIds: readonly string[],
  now: number,
): Promise<ReadonlyMap<string, Profile>> {
  const found = await openableRows(directory, env.DIRECTORY, users, userIds, now);
  return new Map(
    [...found].flatMap(([id, user]) =>
      user.state === "active" ? [[id, { name: user.name, email: user.email }] as const] : [],
    ),
  );
}

/** Null for what was tried at an address that nobody has, and where no user is meant at all. */
function userOf(event: SourceEvent): string | null {
  const { userId } = event.data;
  return isOfIdentity(event) && typeof userId === "string" ? userId : null;
}

function isOfIdentity(event: SourceEvent): event is IdentityFact {
  return identityEvents.some((type) => type === event.type);
}

// A key may have got another wrapping since the ring was read. One that does not open then holds up nobody.
async function opened(env: Env, directory: TenantSession, { sealed }: SourceEvent, now: number) {
  try {
    return await openCaller(directory.keys.ring, sealed).catch(async (error: unknown) => {
      if (!(error instanceof SealError)) throw error;
      return await openCaller((await openDirectory(env)).keys.ring, sealed);
    });
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    await noteUnopened(env.DIRECTORY, error, { requestId: sealed.requestId, now });
    return nobody;
  }
}

/** In the stream's order, as far as the cell answers. @returns how far it is by now, and whether it could go on */
async function tellCell(
  env: Env,
  cell: Cell,
  directory: TenantSession,
  { position, events, places, profiles, callerOf }: Page,
  now: number,
): Promise<{ readonly seq: number; readonly isMore: boolean }> {
  const teller = memberTeller(env, cell, now);
  let seq = position;
  let isAway = false;
  try {
    for (const event of events) {
      if (teller.copies() >= copiesAtOnce) break;
      const userId = userOf(event);
      const here = (places.get(userId ?? "") ?? []).filter((place) => place.cell === cell.id);
      if (userId !== null && isOfIdentity(event) && here.length > 0)
        await teller.tell(
          event,
          { userId, profile: profiles.get(userId) ?? null },
          here,
          await callerOf(event),
        );
      seq = event.seq;
    }
  } catch (error) {
    isAway = true;
    log("warn", "a cell is told of identity events later", { cell: cell.id, ...errorFields(error) });
  }
  if (seq > position) await directory.execute(toldUpTo(cell.id, seq));
  await woken(cell, [...teller.tenantIds]);
  const isLeft = events.length === eventsAtOnce || seq !== (events.at(-1)?.seq ?? seq);
  return { seq, isMore: isLeft && !isAway };
}

// The sweeper finds their events too, within a minute.
async function woken(cell: Cell, tenantIds: readonly string[]): Promise<void> {
  try {
    await wakeTenants(cell.queue, tenantIds);
  } catch (error) {
    log("warn", "the outbox was not told of events", errorFields(error));
  }
}
