import { CellSystem } from "#db/cell-system.ts";
import { removeNamed } from "#db/changes.ts";
import { pastInvitation } from "#db/member-rows.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { Store } from "#db/store.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { invitationLocations, invitations } from "#gate/invitation-tables.ts";
import { inTurn } from "#lib/in-turn.ts";
import { dayMs, timestamp } from "#lib/time.ts";
import type { Cell } from "#platform/cells.ts";
import { newId } from "#platform/ids.ts";
import { errorFields, log } from "#platform/log.ts";

/** Past its time: for as long as one can be sent again. */
export const invitationsKeptMs = 30 * dayMs;
const mostPerRun = 50;

/** Takes away invitations that nobody accepted, with the address that they were for; without any key, so that none stays. */
export async function forgetInvitations(cell: Cell, now: number): Promise<void> {
  const system = new CellSystem(new Store(cell.database, "first-primary"));
  const before = timestamp(now - invitationsKeptMs);
  const due = await system.invitationsToForget(before);
  const run = { job: "invitations.forget", requestId: newId("run"), now };
  for (const { tenantId, invitationId } of inTurn(due, (invitation) => invitation.tenantId, mostPerRun)) {
    try {
      const session = keylessSession(cell.database, tenantId);
      // One that was sent again meanwhile has another version, and stays.
      const { past } = await session.read({ past: pastInvitation(invitationId, before) });
      if (past === null) continue;
      await commitAsSystem(session, run, [
        ...removeNamed(invitationLocations, past.places),
        ...removeNamed(invitations, [past.invitation]),
      ]);
    } catch (error) {
      log("error", "an invitation could not be forgotten; it is tried again", {
        invitation: invitationId,
        ...errorFields(error),
      });
    }
  }
}
