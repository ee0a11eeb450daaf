import { destroy, type Remove } from "#db/changes.ts";
import { platformTenant, sessions, strangerMonths } from "#db/directory-tables.ts";
import { forgetRefreshes } from "#db/ended-sessions.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import type { AnyTenantTable } from "#db/tenant-table.ts";
import { expired, type Named, pastStrangers } from "#identity/accounts/expired-rows.ts";
import { oneTimeLinks, signUps } from "#identity/tables.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";

/**
 * Takes away sign-ups, links and sessions that are of no use to anybody any more, and destroys the keys of strangers of
 * long ago: a bounded number at each run. The audit keeps that they were there.
 */
export async function expireAccounts(env: Env, now: number): Promise<void> {
  const directory = keylessSession(env.DIRECTORY, platformTenant);
  const found = await directory.read({
    signUps: expired("signUps", now),
    links: expired("links", now),
    sessions: expired("sessions", now),
    strangers: pastStrangers(now),
  });
  const run = () => ({ job: "accounts.expire", requestId: newId("run"), now });
  const gone = [
    ...removed(signUps, found.signUps),
    ...removed(oneTimeLinks, found.links),
    ...removed(sessions, found.sessions),
  ];
  // Of two runners at once one finds the others' rows gone, and does nothing.
  if (gone.length > 0) await commitAsSystem(directory, run(), gone);
  if (found.sessions.length > 0)
    await directory.execute([forgetRefreshes(found.sessions.map(({ id }) => id))]);
  for (const month of found.strangers)
    await commitAsSystem(directory, run(), [destroy(month.id, now), ...removed(strangerMonths, [month])]);
}

function removed(table: AnyTenantTable, rows: readonly Named[]): Remove[] {
  return rows.map((before) => ({ kind: "remove", table, before }));
}
