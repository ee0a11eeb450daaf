import { eq } from "drizzle-orm";
import { many } from "#db/queries.ts";
import { mostEndpoints, webhookEndpoints } from "./table.ts";

/** All of a tenant's endpoints that are sent events. */
export const enabledEndpoints = many(webhookEndpoints, {
  where: eq(webhookEndpoints.state, "enabled"),
  limit: mostEndpoints,
});
