import { z } from "zod";
import { tenants } from "#gate/tables.ts";
import { stored, told, toldId, toldList } from "#http/fields.ts";
import { anyPrincipal, readOperation } from "#http/operation.ts";
import { refuse } from "#http/outcome.ts";

const Jurisdiction = z.enum(["eu"]).nullable();

const Tenant = z
  .object({
    id: toldId("ten"),
    slug: told(64, "harbour-cafe"),
    name: told(120, "Harbour Café"),
    trade: told(64, "venue"),
    plan: z.enum(["free", "pro", "enterprise"]),
    cell: told(16, "eu1"),
    jurisdiction: Jurisdiction,
    stores: toldList(
      z.object({ holds: told(200, "file bytes"), store: told(200), jurisdiction: Jurisdiction }),
      20,
    ).meta({
      description: "Which store holds which class of this tenant's data, and where that store lies.",
    }),
    ...stored,
  })
  .meta({ id: "Tenant" });

export const get = readOperation({
  mount: "tenant",
  method: "get",
  path: "",
  summary: "Read the tenant: its plan, its cell and where each class of its data lies",
  can: "tenant:read",
  store: "cell",
  returns: Tenant,
  problems: ["not-found"],
  async run({ tenant, principal }) {
    const row = await tenant.get(tenants, principal.tenantId);
    if (!row) return refuse("not-found");
    const { cell, jurisdiction } = principal;
    return { ...row, cell, jurisdiction, stores: storesOf(cell, jurisdiction) };
  },
});

export const ping = readOperation({
  mount: "tenant",
  method: "get",
  path: "/ping",
  summary: "Check a credential and its rate limit",
  can: anyPrincipal({ because: "it tells the caller only who they are" }),
  store: "none",
  returns: z
    .object({ principal: toldId(), tenant: toldId("ten"), slug: told(64, "harbour-cafe") })
    .meta({ id: "Ping" }),
  problems: [],
  async run({ principal }) {
    return { principal: principal.id, tenant: principal.tenantId, slug: principal.slug };
  },
});

function storesOf(cell: string, jurisdiction: "eu" | null) {
  return [
    {
      holds: "customers, orders, members, keys, audit and events",
      store: `the D1 database of cell ${cell}`,
      jurisdiction,
    },
    { holds: "file bytes", store: `the R2 bucket of cell ${cell}`, jurisdiction },
    { holds: "events on their way", store: `the queue of cell ${cell}`, jurisdiction },
    { holds: "webhooks on their way", store: `the queue of webhooks of cell ${cell}`, jurisdiction },
    {
      holds: "API calls of 7 days and their hourly counts of 90",
      store: `the log's D1 database of cell ${cell}`,
      jurisdiction,
    },
    { holds: "API calls of 90 days", store: `the call archive (R2) of cell ${cell}`, jurisdiction },
    { holds: "the audit's transparency log", store: `the audit log (R2) of cell ${cell}`, jurisdiction },
    { holds: "API calls on their way", store: `the queue of calls of cell ${cell}`, jurisdiction },
    { holds: "cached rights and rate limits", store: "Durable Objects, in memory only", jurisdiction },
    {
      holds: "how many calls there were, when a key was last used, and audit rows, on their way",
      store: "Durable Objects",
      jurisdiction,
    },
    {
      holds: "the tenant's slug and cell; users and their sign-in data",
      store: "the global directory",
      jurisdiction: null,
    },
  ];
}
