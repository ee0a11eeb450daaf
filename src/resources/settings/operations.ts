import { z } from "zod";
import { update as change, emit } from "#db/changes.ts";
import type { Row } from "#db/tenant-table.ts";
import { tenants } from "#gate/tables.ts";
import { Currency, line, stored, TimeZone } from "#http/fields.ts";
import { readOperation, writeOperation } from "#http/operation.ts";
import { commit, refuse } from "#http/outcome.ts";

const Settings = z.object({
  name: z.string(),
  currency: z.string(),
  timezone: z.string(),
  allowedOrigins: z.array(z.string()),
  ...stored,
});

const Origin = z.string().max(255).refine(isOrigin, "is not an origin such as https://shop.example");

/** Slug, plan and state are not settings: they change by their own flows. */
const SettingsPatch = z.strictObject({
  name: line(120).optional(),
  currency: Currency.optional(),
  timezone: TimeZone.optional(),
  /** Pages of these origins may call the API from a browser. */
  allowedOrigins: z.array(Origin).max(20).optional(),
});

export const get = readOperation({
  mount: "tenant",
  method: "get",
  path: "/settings",
  summary: "Read the settings",
  can: "settings:read",
  store: "cell",
  returns: Settings,
  problems: ["not-found"],
  async run({ tenant, principal }) {
    const row = await tenant.get(tenants, principal.tenantId);
    return row ? present(row) : refuse("not-found");
  },
});

export const update = writeOperation({
  mount: "tenant",
  method: "patch",
  path: "/settings",
  summary: "Change the settings",
  can: "settings:write",
  recordRefusal: true,
  store: "cell",
  body: SettingsPatch,
  returns: Settings,
  problems: ["invalid", "not-found", "conflict", "precondition-failed"],
  async run({ tenant, principal, now }, { body }) {
    const row = await tenant.get(tenants, principal.tenantId);
    if (!row) return refuse("not-found");
    const { allowedOrigins, ...plain } = body;
    const changed = change(
      tenants,
      row,
      allowedOrigins ? { ...plain, allowedOrigins: JSON.stringify(allowedOrigins) } : plain,
      now,
    );
    return commit(
      present(changed.row),
      changed,
      emit("settings.updated", { tenantId: row.id }, { table: tenants, row }),
    );
  },
});

function present(row: Row<typeof tenants>) {
  return { ...row, allowedOrigins: z.array(z.string()).parse(JSON.parse(row.allowedOrigins)) };
}

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const isLocal = url.protocol === "http:" && url.hostname === "localhost";
  // A wildcard parses as a host, and would match no page's origin.
  return url.origin === text && !text.includes("*") && (url.protocol === "https:" || isLocal);
}
