import { sql } from "drizzle-orm";
import { type Change, insert, mustNotExist, remove } from "#db/changes.ts";
import type { RecordDraft } from "#db/commit.ts";
import { exactly } from "#db/queries.ts";
import { exactTokens } from "#db/sealing.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import { metaOf, type Row } from "#db/tenant-table.ts";
import { newId } from "#platform/ids.ts";
import { mailSuppressions } from "./tables.ts";

type Suppression = Row<typeof mailSuppressions>;

/** What becomes of an address: a reason to send it nothing any more, or null to send again. */
export interface AddressNews {
  readonly address: string;
  readonly suppress: Suppression["reason"] | null;
}

const mostTries = 3;

export async function suppressionOf(directory: TenantSession, address: string): Promise<Suppression | null> {
  const query = exactly(mailSuppressions, "recipientToken", address, { limit: 1 });
  const { found } = await directory.read({ found: query });
  return found[0] ?? null;
}

/** Has an address be as the news say, once for each record; whoever was first keeps their reason. */
export async function changeAddress(
  directory: TenantSession,
  news: AddressNews,
  run: SystemRun,
  record: RecordDraft | null = null,
): Promise<void> {
  for (let tries = 1; tries <= mostTries; tries += 1) {
    const changes = await changesFor(directory, news, run.now);
    if (changes.length === 0) return;
    const outcome = await commitAsSystem(directory, run, changes, null, record);
    if (outcome.kind === "committed" || (outcome.kind === "lost" && outcome.what === "replay")) return;
  }
  throw new Error("An address kept changing while it was to be suppressed, or no longer.");
}

async function changesFor(
  directory: TenantSession,
  { address, suppress }: AddressNews,
  now: number,
): Promise<Change[]> {
  const stands = await suppressionOf(directory, address);
  if (suppress === null) return stands ? [remove(mailSuppressions, stands)] : [];
  if (stands) return [];
  const { recipientToken } = await exactTokens(directory.keys, metaOf(mailSuppressions), {
    recipient: address,
  });
  const row = { id: newId("spr"), recipient: address, reason: suppress };
  return [
    mustNotExist(mailSuppressions, sql`${mailSuppressions.recipientToken} = ${recipientToken}`, null),
    insert(mailSuppressions, row, now),
  ];
}
