import { z } from "zod";
import type { Row } from "#db/tenant-table.ts";
import { listOf, parseMask } from "#gate/capabilities.ts";
import type { apiKeys } from "#gate/tables.ts";

export function present(row: Row<typeof apiKeys>) {
  const mask = parseMask(row.scopes);
  return {
    ...row,
    scopes: mask === null ? [] : listOf(mask),
    allLocations: row.allLocations === 1,
    ipAllowList: texts(row.ipAllowList),
    allowedOrigins: texts(row.allowedOrigins),
  };
}

export function texts(json: string): string[] {
  return z.array(z.string()).parse(JSON.parse(json));
}
