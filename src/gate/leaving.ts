import { sql } from "drizzle-orm";
import { type Change, emit, mustExist, remove, update } from "#db/changes.ts";
import { endGrantsOf } from "#db/oauth-grants.ts";
import type { Row } from "#db/tenant-table.ts";
import { timestamp } from "#lib/time.ts";
import { noCapabilities } from "./capabilities.ts";
import { memberLocations, members, oauthConsents } from "./tables.ts";

/** A member, with what hangs on them. */
export interface Leaving {
  readonly row: Row<typeof members>;
  readonly places: readonly Row<typeof memberLocations>[];
  readonly consents: readonly Row<typeof oauthConsents>[];
}

/** The problem that it is refused with. */
export const lastOwner = "last-owner";

/** Somebody else owns the business as well, at the moment that this is written. */
export function notTheLastOwner({ row }: Pick<Leaving, "row">): Change[] {
  if (row.role !== "owner" || row.state !== "active") return [];
  const { id, role, state, denials, allLocations } = members;
  const isWhole = sql`${denials} = ${noCapabilities} and ${allLocations} = 1`;
  const another = sql`${role} = 'owner' and ${state} = 'active' and ${isWhole} and ${id} <> ${row.id}`;
  return [mustExist(members, another, { problem: lastOwner })];
}

/** What they were given is taken from them, so that whoever comes back begins anew. */
export function leaving(member: Leaving, now: number): Change[] {
  const { row, places, consents } = member;
  const gone = {
    state: "suspended" as const,
    removedAt: timestamp(now),
    // Their name stays beside what they did; where to write to them is nobody's business any more.
    email: null,
    roleId: null,
    grants: noCapabilities,
    denials: noCapabilities,
  };
  return [
    ...notTheLastOwner(member),
    update(members, row, gone, now),
    ...places.map((place) => remove(memberLocations, place)),
    ...consents.map((consent) => remove(oauthConsents, consent)),
    ...endGrantsOf(row.tenantId, { memberId: row.id }, "member-removed", now),
    emit("member.removed", { memberId: row.id }, { table: members, row }),
  ];
}
