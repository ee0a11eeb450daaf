import { sessions, users } from "#db/directory-tables.ts";
import type { Grant } from "#db/oauth-grants.ts";
import { one } from "#db/queries.ts";
import { wholeTenant } from "#db/scope.ts";
import type { Row } from "#db/tenant-table.ts";
import { withKeys } from "#http/account-door.ts";
import type { AccountPorts } from "#http/account-operation.ts";
import { openDirectoryRun } from "#http/directory-run.ts";
import type { RequestContext } from "#http/request-state.ts";
import { passwordIn, userById } from "#identity/accounts/account-queries.ts";
import { accountServices } from "#identity/services.ts";
import { heldTo } from "#identity/sessions/tenant-terms.ts";
import { timestamp } from "#lib/time.ts";

const open = (c: RequestContext, fresh: Parameters<typeof openDirectoryRun>[4]) =>
  openDirectoryRun(c, c.get("state").operation ?? "oauth", wholeTenant, accountServices, fresh);

/** What makes tokens and reads them; costs no I/O once the isolate has the keys. */
export async function portsOf(c: RequestContext): Promise<AccountPorts> {
  return (await open(c, null)).context.accounts;
}

/** Whose session a grant was made in. */
export interface Standing {
  readonly session: Row<typeof sessions>;
  readonly user: Row<typeof users>;
  readonly isPasswordWeak: boolean;
}

/** One trip to the directory; null where the session is over. */
export async function standingOf(
  c: RequestContext,
  { sessionId, userId }: { readonly sessionId: string; readonly userId: string },
): Promise<Standing | null> {
  return await withKeys(c, async (fresh) => {
    const run = await open(c, fresh);
    const { session, user, passwords } = await run.session.read({
      session: one(sessions, sessionId),
      user: one(users, userId),
      passwords: passwordIn(userById(userId)),
    });
    const isOver =
      session?.state !== "active" ||
      session.expiresAt <= timestamp(run.now) ||
      session.userId !== userId ||
      user?.state !== "active" ||
      session.sessionEpoch !== user.sessionEpoch;
    return isOver ? null : { session, user, isPasswordWeak: passwords[0]?.isStrong === 0 };
  });
}

/** The same for a grant: its member is one still, and has done what their business asks; the session as it counts there. */
export async function grantStanding(c: RequestContext, grant: Grant): Promise<Standing | null> {
  const standing = grant.member.isActive ? await standingOf(c, grant) : null;
  const held = standing && heldTo(grant.member, { ...standing, email: standing.user.email });
  return standing && held?.unmet === null ? { ...standing, session: held.session } : null;
}
