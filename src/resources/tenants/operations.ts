import { z } from "zod";
import { tenants } from "#gate/tables.ts";
import { stored } from "#http/fields.ts";
import { anyPrincipal, readOperation } from "#http/operation.ts";
import { refuse } from "#http/outcome.ts";

const Tenant = z.object({
  id: z.string(),
  slug: z.string(),
  name: z.string(),
  trade: z.string(),
  plan: z.enum(["free", "pro", "enterprise"]),
  cell: z.string(),
  jurisdiction: z.enum(["eu"]).nullable(),
  /** Which store holds which class of this tenant's data, and where that store lies. */
  stores: z.array(z.object({ holds: z.string(), store: z.string(), jurisdiction: z.string().nullable() })),
  ...stored,
});

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
  returns: z.object({ principal: z.string(), tenant: z.string(), slug: z.string() }),
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
    { holds: "cached rights and rate limits", store: "Durable Objects, in memory only", jurisdiction },
    { holds: "when a key was last used, on its way", store: "Durable Objects", jurisdiction },
    {
      holds: "the tenant's slug and cell; users and their sign-in data",
      store: "the global directory",
      jurisdiction: null,
    },
  ];
}
