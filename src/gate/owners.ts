import { eq, type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { SealError } from "#crypto/envelope.ts";
import type { RecordDraft } from "#db/commit.ts";
import { openDirectory } from "#db/directory.ts";
import { users } from "#db/directory-tables.ts";
import { openableRows } from "#db/openable-rows.ts";
import { many, type Query } from "#db/queries.ts";
import { wholeTenant } from "#db/scope.ts";
import type { Keys } from "#db/sealing.ts";
import { statementOf } from "#db/statement.ts";
import { Store } from "#db/store.ts";
import type { SystemRun } from "#db/system-commit.ts";
import { TenantSession } from "#db/tenant-db.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import type { Row } from "#db/tenant-table.ts";
import type { MailData } from "#mail/kinds.ts";
import { mailTo } from "#mail/outgoing.ts";
import type { Cell } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { writeLetters } from "./letters.ts";
import { members, tenants } from "./tables.ts";

/** What concerns a business so much that its owners are written to. */
export interface Owners {
  /**
   * Each that is active and has signed in, but for whose address does not open; at least once, or by a record at most once
   * while that lives.
   */
  tell<K extends OwnersMail>(
    kind: K,
    dataFor: (place: { readonly business: string; readonly homeLink: string }) => MailData<K>,
    more?: {
      readonly once?: RecordDraft;
      /** Members who are written to as well, whatever they are by now: to the address of their account where theirs is gone. */
      readonly alsoTo?: readonly string[];
    },
  ): Promise<void>;
}

type OwnersMail = "key-leaked" | "alert";
type Member = Row<typeof members>;

/** Of each: of owners, and of who is written to besides. */
export const mostRecipients = 50;

export function ownersOf(env: Env, cell: Cell, keys: Keys, run: SystemRun): Owners {
  const { tenantId } = keys;
  return {
    async tell(kind, dataFor, { once, alsoTo = [] } = {}) {
      const driver = new TenantDriver(new Store(cell.database, "first-primary"), tenantId);
      const session = new TenantSession(driver, { reach: wholeTenant, epoch: null, keys });
      const { business, recipients } = await readFrom(session, cell, alsoTo, run.now);
      if (business === undefined) return;
      const data = dataFor({ business, homeLink: `${env.PUBLIC_ORIGIN}/home` });
      const addresses = await addressesOf(env, recipients, alsoTo, run.now);
      const mails = [...addresses].map(([userId, to]) => mailTo({ kind, to, data, userId }, run.now));
      await writeLetters(env, run, mails, once);
    },
  };
}

const isOwner = sql`${members.role} = 'owner' and ${members.state} = 'active'`;

function isAnyOf(memberIds: readonly string[]): SQL {
  return sql`${members.id} in (select json_each.value from json_each(${JSON.stringify(memberIds)}))`;
}

// In one round trip; where an address does not open, those of the others are read one by one.
async function readFrom(session: TenantSession, cell: Cell, alsoTo: readonly string[], now: number) {
  const limit = mostRecipients;
  const found = many(tenants, { where: eq(tenants.id, session.tenantId), limit: 1 });
  try {
    const read = await session.read({
      owners: many(members, { where: isOwner, indexedBy: "members_owners", limit }),
      found,
      ...(alsoTo.length === 0 ? {} : { others: many(members, { where: isAnyOf(alsoTo), limit }) }),
    });
    return { business: read.found[0]?.slug, recipients: [...read.owners, ...(read.others ?? [])] };
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    const read = await session.read({ ids: ownerIds, found });
    const ids = [...new Set([...read.ids, ...alsoTo.slice(0, limit)])];
    const rows = await openableRows(session, cell.database, members, ids, now);
    return { business: read.found[0]?.slug, recipients: [...rows.values()] };
  }
}

const Ids = z.array(z.object({ id: z.string() }));

const ownerIds: Query<string[]> = {
  statement: async ({ tenantId }) =>
    statementOf(
      sql`select "members"."id" from "members" indexed by "members_owners" where "members"."tenant_id" = ${tenantId} and "members"."role" = 'owner' and "members"."state" = 'active' limit ${mostRecipients}`,
    ),
  decode: async (_context, rows) => Ids.parse(rows).map(({ id }) => id),
};

/** Where to write to each, by their user's id. */
async function addressesOf(
  env: Env,
  recipients: readonly Member[],
  alsoTo: readonly string[],
  now: number,
): Promise<ReadonlyMap<string, string>> {
  const known = recipients.flatMap(({ userId, email }) => (email === null ? [] : [[userId, email] as const]));
  const gone = recipients.filter(({ id, email }) => email === null && alsoTo.includes(id));
  if (gone.length === 0) return new Map(known);
  const userIds = [...new Set(gone.map(({ userId }) => userId))];
  const accounts = await openableRows(await openDirectory(env), env.DIRECTORY, users, userIds, now);
  return new Map([
    ...known,
    ...[...accounts].flatMap(([id, { state, email }]) => (state === "active" ? [[id, email] as const] : [])),
  ]);
}
