import { SealError } from "#crypto/envelope.ts";
import { newId } from "#platform/ids.ts";
import { one } from "./queries.ts";
import type { TenantSession } from "./tenant-db.ts";
import type { AnyTenantTable, Row } from "./tenant-table.ts";
import { noteUnopened } from "./unopened.ts";

/**
 * The rows with these ids, by id, in one round trip; where one does not open, one by one, so that the others are had all the
 * same. That one is left out and noted. `database`: the session's.
 */
export async function openableRows<T extends AnyTenantTable>(
  session: TenantSession,
  database: D1Database,
  table: T,
  ids: readonly string[],
  now: number,
): Promise<ReadonlyMap<string, Row<T>>> {
  if (ids.length === 0) return new Map();
  const read = async (some: readonly string[]) => {
    const found = await session.read(Object.fromEntries(some.map((id) => [id, one(table, id)])));
    return Object.entries(found).flatMap(([id, row]) => (row ? [[id, row] as const] : []));
  };
  const found = await read(ids).catch(async (error: unknown) => {
    if (!(error instanceof SealError)) throw error;
    const each = ids.map((id) =>
      read([id]).catch(async (unopened: unknown) => {
        if (!(unopened instanceof SealError)) throw unopened;
        await noteUnopened(database, unopened, { requestId: newId("run"), now });
        return [];
      }),
    );
    return (await Promise.all(each)).flat();
  });
  return new Map(found);
}
