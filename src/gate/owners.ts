import { eq, sql } from "drizzle-orm";
import type { RecordDraft } from "#db/commit.ts";
import { many } from "#db/queries.ts";
import { wholeTenant } from "#db/scope.ts";
import type { Keys } from "#db/sealing.ts";
import { Store } from "#db/store.ts";
import type { SystemRun } from "#db/system-commit.ts";
import { TenantSession } from "#db/tenant-db.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import type { MailData } from "#mail/kinds.ts";
import { mailTo } from "#mail/outgoing.ts";
import type { Cell } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { writeLetters } from "./letters.ts";
import { members, tenants } from "./tables.ts";

/** What concerns a business so much that its owners are written to. */
export interface Owners {
  /** Each that is active and has signed in; at least once, or by a record at most once while that lives. */
  tell<K extends OwnersMail>(
    kind: K,
    dataFor: (place: { readonly business: string; readonly homeLink: string }) => MailData<K>,
    once?: RecordDraft,
  ): Promise<void>;
}

type OwnersMail = "key-leaked" | "alert";

const mostOwners = 50;

export function ownersOf(env: Env, cell: Cell, keys: Keys, run: SystemRun): Owners {
  const { tenantId } = keys;
  return {
    async tell(kind, dataFor, once) {
      const driver = new TenantDriver(new Store(cell.database, "first-primary"), tenantId);
      const session = new TenantSession(driver, { reach: wholeTenant, epoch: null, keys });
      const { owners, found } = await session.read({
        owners: many(members, {
          where: sql`${members.role} = 'owner' and ${members.state} = 'active'`,
          indexedBy: "members_owners",
          limit: mostOwners,
        }),
        found: many(tenants, { where: eq(tenants.id, tenantId), limit: 1 }),
      });
      const business = found[0]?.slug;
      if (business === undefined) return;
      const data = dataFor({ business, homeLink: `${env.PUBLIC_ORIGIN}/home` });
      const mails = owners.flatMap(({ email, userId }) =>
        email === null ? [] : [mailTo({ kind, to: email, data, userId }, run.now)],
      );
      await writeLetters(env, run, mails, once);
    },
  };
}
