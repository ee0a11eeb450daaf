import { asc, gt } from "drizzle-orm";
import { openDirectory } from "#db/directory.ts";
import { directoryTenants, platformTenant } from "#db/directory-tables.ts";
import { many } from "#db/queries.ts";
import { cellsOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";

const tenantsPerPage = 100;

/** An owner of rows, and where they lie. */
export interface Owner {
  /** `directory`, or the id of a cell. */
  readonly store: string;
  readonly database: D1Database;
  readonly tenantId: string;
}

/** All databases that hold keys. */
export function databasesOf(env: Env): D1Database[] {
  return [env.DIRECTORY, ...cellsOf(env).map(({ database }) => database)];
}

/** The platform and every tenant, where their rows lie. */
export async function* ownersOf(env: Env): AsyncGenerator<Owner> {
  yield { store: "directory", database: env.DIRECTORY, tenantId: platformTenant };
  const cells = new Map(cellsOf(env).map((cell) => [cell.id, cell]));
  const directory = await openDirectory(env);
  for (let after = ""; ; ) {
    const { page } = await directory.read({
      page: many(directoryTenants, {
        where: gt(directoryTenants.id, after),
        order: asc(directoryTenants.id),
        limit: tenantsPerPage,
      }),
    });
    for (const { id, cell } of page) {
      const database = cells.get(cell)?.database;
      if (database) yield { store: cell, database, tenantId: id };
    }
    const last = page.at(-1);
    if (!last) return;
    after = last.id;
  }
}
