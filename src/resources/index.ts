import type { Registry } from "#http/registry.ts";
import * as apiKeys from "./api-keys/operations.ts";
import * as audit from "./audit/operations.ts";
import * as customers from "./customers/operations.ts";
import { search } from "./customers/search.ts";
import * as locations from "./locations/operations.ts";
import * as orders from "./orders/operations.ts";
import * as transitions from "./orders/transitions.ts";
import * as outsideIssuers from "./outside-issuers/operations.ts";
import * as settings from "./settings/operations.ts";
import * as system from "./system/operations.ts";
import * as tenants from "./tenants/operations.ts";

/** Every operation there is. A resource joins here, and with that come limits, permissions, audit and their tests. */
export const registry = {
  "api-keys": apiKeys,
  audit,
  customers: { ...customers, search },
  locations,
  orders: { ...orders, ...transitions },
  "outside-issuers": outsideIssuers,
  settings,
  system,
  tenants,
} satisfies Registry;
