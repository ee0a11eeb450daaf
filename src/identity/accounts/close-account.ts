import { z } from "zod";
import { update } from "#db/changes.ts";
import { users } from "#db/directory-tables.ts";
import { one } from "#db/queries.ts";
import { meWriteOperation } from "#http/account-operation.ts";
import { commit, refuse } from "#http/outcome.ts";
import { securityAge } from "#identity/factors/security-age.ts";
import { tell } from "#identity/identity-events.ts";
import { endSessions } from "#identity/sessions/end-sessions.ts";
import { activeSessionsIn, placesOf, tenantsIn, userById } from "./account-queries.ts";

/** From this moment nobody signs in; a job takes them out of their tenants and erases them. */
export const close = meWriteOperation({
  mount: "me",
  method: "post",
  path: "/close",
  summary: "Delete your account; all sessions end, and what is personal of you here is erased",
  store: "directory",
  provedWithinSeconds: securityAge,
  returns: z.null(),
  status: 204,
  endsSessions: true,
  problems: ["owns-a-business"],
  async run({ directory, accounts, user, now }) {
    const mine = userById(user.userId);
    const { me, active, tenants } = await directory.read({
      me: one(users, user.userId),
      active: activeSessionsIn(mine),
      tenants: tenantsIn(mine),
    });
    if (!me) return refuse("unauthorized");
    // A business that nobody owns could be neither run nor closed.
    const members = await accounts.membersOf(placesOf(tenants), user.userId);
    if (members.some(({ role }) => role === "owner")) return refuse("owns-a-business");
    return commit(
      null,
      update(users, me, { state: "closed", sessionEpoch: me.sessionEpoch + 1 }, now),
      ...endSessions(active, "account-closed", now),
      ...tell("user.account_closed", me.id),
    );
  },
});
