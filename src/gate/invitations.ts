import { eq } from "drizzle-orm";
import { macToken } from "#crypto/mac-token.ts";
import { many, one } from "#db/queries.ts";
import { wholeTenant } from "#db/scope.ts";
import type { Keys } from "#db/sealing.ts";
import { Store } from "#db/store.ts";
import type { SystemRun } from "#db/system-commit.ts";
import { TenantSession } from "#db/tenant-db.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import { hourMs, timestamp } from "#lib/time.ts";
import { mailTo } from "#mail/outgoing.ts";
import type { Cell } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { directoryKeys } from "./directory-keys.ts";
import { invitations } from "./invitation-tables.ts";
import { writeLetters } from "./letters.ts";
import { tenants } from "./tables.ts";

/** What carries an invitation from its tenant's cell to whom it invites. */
export interface Invitations {
  /** Mails the link of its present turn; nothing where it was taken back, or its time is over. */
  mail(invitationId: string): Promise<void>;
}

export function invitationsOf(env: Env, cell: Cell, keys: Keys, run: SystemRun): Invitations {
  const { tenantId } = keys;
  return {
    async mail(invitationId) {
      const driver = new TenantDriver(new Store(cell.database, "first-primary"), tenantId);
      const session = new TenantSession(driver, { reach: wholeTenant, epoch: null, keys });
      const { invitation, found } = await session.read({
        invitation: one(invitations, invitationId),
        found: many(tenants, { where: eq(tenants.id, tenantId), limit: 1 }),
      });
      const [tenant] = found;
      if (!invitation || !tenant || invitation.expiresAt <= timestamp(run.now)) return;
      const { id, turn, email, expiresAt } = invitation;
      const { ring } = await directoryKeys(env, () => true);
      const token = await macToken(ring.indexKey(), "invitation", { id, turn });
      const data = {
        link: `${env.PUBLIC_ORIGIN}/join?tenant=${tenantId}&token=${token}`,
        business: tenant.slug,
        // In whole hours, as it may be a retry that writes it.
        validMinutes: Math.max(1, Math.floor((Date.parse(expiresAt) - run.now) / hourMs) * 60),
      };
      // Whether the address is somebody's is not asked: whoever invites learns nothing of accounts.
      const written = mailTo({ kind: "invitation", to: email, data, userId: null }, run.now);
      await writeLetters(env, run, [written]);
    },
  };
}
