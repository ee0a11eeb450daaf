import { openDirectory } from "#db/directory.ts";
import { directoryTenants } from "#db/directory-tables.ts";
import { systemSession } from "#db/open-tenant.ts";
import type { SystemRun } from "#db/system-commit.ts";
import type { OutsidePerson } from "#gate/outside-members.ts";
import { outsideMembers } from "#gate/outside-tables.ts";
import { members } from "#gate/tables.ts";
import { cellOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import type { Standing } from "./membership-rules.ts";
import { liveClaim } from "./organizations.ts";
import { claimPerson } from "./people.ts";
import { changeStanding } from "./standing.ts";

export type LinkMemberOutcome = "linked" | "not-linked" | "no-such-member" | "known-already" | "has-left";

// Before anything that the issuer will tell.
const unheardOf: Standing = { state: "active", membership: null, role: null, joinedMs: 0, changedMs: 0 };

/**
 * Lets a person of a linked organization be a member who was here before: an operator's act. The issuer does not
 * change such a member; whoever leaves there can no longer come in by it.
 */
export async function linkMember(
  env: Env,
  person: OutsidePerson,
  memberId: string,
  run: SystemRun,
): Promise<LinkMemberOutcome> {
  const directory = await openDirectory(env);
  const claim = await liveClaim(directory, person);
  const tenant = claim && (await directory.get(directoryTenants, claim.ownerId));
  const cell = tenant && cellOf(env, tenant.cell);
  if (!cell) return "not-linked";
  const session = await systemSession(env, cell.database, tenant.id);
  if ((await session.get(members, memberId)) === null) return "no-such-member";
  const pointer = await claimPerson(env, person, run, memberId);
  if (pointer === null) return "has-left";
  if (pointer.memberId !== memberId) return "known-already";
  await changeStanding(
    session,
    pointer,
    {
      after: (before) => (before === null ? unheardOf : null),
      termsOf: () => null,
      asksForLink: true,
      record: null,
    },
    run,
  );
  const row = await session.get(outsideMembers, pointer.indexId);
  if (row === null) return "not-linked";
  return row.state === "active" ? "linked" : "has-left";
}
