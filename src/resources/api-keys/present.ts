import { z } from "zod";
import type { LastUse } from "#db/last-use.ts";
import type { Row } from "#db/tenant-table.ts";
import { listOf, parseMask } from "#gate/capabilities.ts";
import type { apiKeys } from "#gate/tables.ts";

export function present(row: Row<typeof apiKeys>, use: LastUse | null = null) {
  const mask = parseMask(row.scopes);
  return {
    ...row,
    lastUsedAt: use?.at ?? row.lastUsedAt,
    lastUsedIp: use?.ip ?? null,
    lastUsedPlace: use?.place ?? null,
    scopes: mask === null ? [] : listOf(mask),
    allLocations: row.allLocations === 1,
    ipAllowList: texts(row.ipAllowList),
    allowedOrigins: texts(row.allowedOrigins),
  };
}

export function texts(json: string): string[] {
  return z.array(z.string()).parse(JSON.parse(json));
}
