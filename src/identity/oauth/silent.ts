import { sql } from "drizzle-orm";
import { z } from "zod";
import { keylessSession } from "#db/open-tenant.ts";
import { statementOf } from "#db/statement.ts";
import { isRegisteredRedirect } from "#lib/redirect-uri.ts";
import { cellOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { addressOf, locationOf } from "./authorization-request.ts";

const Rows = z.array(z.object({ redirect_uris: z.string() }));

/**
 * OpenID Connect Core, section 3.1.2.1: a client that asks for no page is told that nobody has signed in. null where it
 * asks for none of that, or nobody may be sent to where it says; then its user is shown where to sign in.
 */
export async function nobodySignedIn(env: Env, query: string): Promise<string | null> {
  const addressed = addressOf(query);
  if (addressed?.parameters.get("prompt") !== "none") return null;
  const { place, redirectUri } = addressed;
  const cell = cellOf(env, place.cell);
  if (!cell) return null;
  const [rows] = await keylessSession(cell.database, place.tenantId).execute([
    statementOf(
      sql`select "redirect_uris" from "oauth_clients" where "oauth_clients"."tenant_id" = ${place.tenantId} and "oauth_clients"."id" = ${place.id} and "deleted_at" is null`,
    ),
  ]);
  const [client] = Rows.parse(rows);
  const registered = z.array(z.string()).parse(JSON.parse(client?.redirect_uris ?? "[]"));
  if (!isRegisteredRedirect(redirectUri, registered)) return null;
  return locationOf(addressed, env.PUBLIC_ORIGIN, { error: "login_required" });
}
