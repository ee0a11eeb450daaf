import { sql } from "drizzle-orm";
import { z } from "zod";
import { remove } from "#db/changes.ts";
import { endGrantsOf } from "#db/oauth-grants.ts";
import { systemSession } from "#db/open-tenant.ts";
import { many, one, uniqueIndexOf } from "#db/queries.ts";
import { statementOf } from "#db/statement.ts";
import { Store } from "#db/store.ts";
import { executeTogether } from "#db/tenant-driver.ts";
import type { Place } from "#gate/members-of-user.ts";
import { oauthClients, oauthConsents } from "#gate/tables.ts";
import type { SignedIn } from "#http/account-operation.ts";
import type { ConnectedClient } from "#http/client-consents.ts";
import { type Refusal, refuse } from "#http/outcome.ts";
import type { RequestContext } from "#http/request-state.ts";
import { clientIdOf, parseClientId } from "#lib/oauth-client-id.ts";
import { cellOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { asMember } from "./as-member.ts";
import { consentTo } from "./authorize.ts";
import { committed, forget, mostTries } from "./take-turn.ts";

const mostListed = 100;
const Found = z.array(z.object({ client_id: z.string(), scope: z.string(), created_at: z.string() }));

/** By one trip to each cell, and two to each tenant where there is something to tell of. */
export async function connectedClients(
  env: Env,
  places: readonly Place[],
  userId: string,
): Promise<ConnectedClient[]> {
  const byCell = Map.groupBy(places, ({ cell }) => cell);
  const found = await Promise.all(
    [...byCell].map(async ([cellId, ofCell]) => {
      const cell = cellOf(env, cellId);
      if (!cell) return [];
      const asked = ofCell.map(({ tenantId }): [string, ReturnType<typeof consentsOf>[]] => [
        tenantId,
        [consentsOf(tenantId, userId)],
      ]);
      const results = await executeTogether(new Store(cell.database, "first-primary"), new Map(asked));
      return await Promise.all(
        ofCell.map(async ({ tenantId }, index) => {
          const consents = Found.parse(results[index]);
          if (consents.length === 0) return [];
          const session = await systemSession(env, cell.database, tenantId);
          const ids = JSON.stringify(consents.map(({ client_id: id }) => id));
          const where = sql`${oauthClients.id} in (select value from json_each(${ids})) and ${oauthClients.deletedAt} is null`;
          const { clients } = await session.read({
            clients: many(oauthClients, { where, limit: mostListed }),
          });
          return clients.flatMap(({ id, name }) => {
            const consent = consents.find(({ client_id: clientId }) => clientId === id);
            if (!consent) return [];
            const clientId = clientIdOf({ cell: cellId, tenantId, id });
            return [{ clientId, name, tenantId, scope: consent.scope, since: consent.created_at }];
          });
        }),
      );
    }),
  );
  return found.flat(2);
}

function consentsOf(tenantId: string, userId: string) {
  return statementOf(
    sql`select "client_id", "scope", "oauth_consents"."created_at" from "members" join "oauth_consents" indexed by "sqlite_autoindex_oauth_consents_2" on "oauth_consents"."tenant_id" = ${tenantId} and "oauth_consents"."member_id" = "members"."id" where "members"."tenant_id" = ${tenantId} and "members"."user_id" = ${userId} limit ${mostListed}`,
  );
}

/** What the user allowed this client is over, and its tokens with it; null where it was done. */
export async function disconnect(
  c: RequestContext,
  user: SignedIn,
  clientId: string,
  tries = 1,
): Promise<Refusal | null> {
  const place = parseClientId(clientId);
  if (!place) return refuse("not-found");
  return await asMember<null>(c, user, place, async ({ run, member: { memberId } }) => {
    const { consents, client } = await run.session.read({
      consents: many(oauthConsents, {
        ...uniqueIndexOf(oauthConsents),
        where: consentTo(memberId, place.id),
        limit: 1,
      }),
      client: one(oauthClients, place.id),
    });
    if (client?.deletedAt !== null) return refuse("not-found");
    // No grant stands without what it was allowed by, and what is not there moves nobody's epoch.
    if (consents.length === 0) return null;
    const isDone = await committed(run, [
      ...consents.map((consent) => remove(oauthConsents, consent)),
      ...endGrantsOf(place.tenantId, { clientId: place.id, memberId }, "revoked-by-member", run.now),
    ]);
    // They consented anew meanwhile, in another window.
    if (!isDone)
      return tries < mostTries ? await disconnect(c, user, clientId, tries + 1) : refuse("unavailable");
    await forget(run, memberId);
    return null;
  });
}
