import { z } from "zod";
import type { Row } from "#db/tenant-table.ts";
import { listOf, parseMask } from "#gate/capabilities.ts";
import type { oauthClients } from "#gate/tables.ts";
import type { Principal } from "#http/operation.ts";
import { clientIdOf } from "#lib/oauth-client-id.ts";
import { type ClientTerms, grantTypes } from "./rules.ts";

export type ClientRow = Row<typeof oauthClients>;

const Texts = z.array(z.string());
const GrantTypes = z.array(z.enum(grantTypes));

/** A client as its tenant sees it. */
export function presentTo({ cell, tenantId }: Pick<Principal, "cell" | "tenantId">) {
  return (row: ClientRow) => ({
    ...row,
    ...termsOf(row),
    clientId: clientIdOf({ cell, tenantId, id: row.id }),
  });
}

export function termsOf({ type, grantTypes: types, redirectUris, scopes }: ClientRow): ClientTerms {
  const mask = parseMask(scopes);
  return {
    type,
    grantTypes: GrantTypes.parse(JSON.parse(types)),
    redirectUris: Texts.parse(JSON.parse(redirectUris)),
    scopes: mask === null ? [] : listOf(mask),
  };
}
