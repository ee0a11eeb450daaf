import { z } from "zod";
import { update as change, emit } from "#db/changes.ts";
import type { Row } from "#db/tenant-table.ts";
import { tenants } from "#gate/tables.ts";
import { Currency, line, Origin, stored, TimeZone, told, toldList } from "#http/fields.ts";
import { readOperation, writeOperation } from "#http/operation.ts";
import { commit, refuse } from "#http/outcome.ts";

const originsMeaning = "Pages of these origins may call the API from a browser.";

const Settings = z
  .object({
    name: told(120, "Harbour Café"),
    currency: told(3, "EUR"),
    timezone: told(64, "Europe/Amsterdam"),
    allowedOrigins: toldList(told(255, "https://shop.example"), 20).meta({ description: originsMeaning }),
    ...stored,
  })
  .meta({ id: "Settings" });

/** Slug, plan and state are not settings: they change by their own flows. */
const SettingsPatch = z
  .strictObject({
    name: line(120)
      .meta({ examples: ["Harbour Café"] })
      .optional(),
    currency: Currency.optional(),
    timezone: TimeZone.optional(),
    allowedOrigins: z.array(Origin).max(20).optional().meta({ description: originsMeaning }),
  })
  .meta({ id: "SettingsPatch" });

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
