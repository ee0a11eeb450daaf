import { eq } from "drizzle-orm";
import { text } from "drizzle-orm/sqlite-core";
import { type Change, emit, mustNotExist, remove } from "#db/changes.ts";
import { digest, open, type Row, tenantTable, via } from "#db/tenant-table.ts";
import { customers } from "#resources/customers/table.ts";
import { waysObtained } from "./rules.ts";

/** One row per customer, by the customer's id, for as long as the consent stands. */
export const customerConsents = tenantTable(
  "customer_consents",
  {
    customerId: open(text("customer_id").notNull()),
    /** JSON array of the names of fields. */
    fields: open(text("fields").notNull()),
    obtained: open(text("obtained", { enum: waysObtained }).notNull()),
    givenAt: open(text("given_at").notNull()),
    /** Of the platform, not of the tenant's index key: see crypto/person-token. */
    identityToken: digest(text("identity_token")),
  },
  {
    entity: "customer-consent",
    scope: via(customers, "customerId"),
    subject: "customerId",
    identity: "identityToken",
  },
);

type Consent = Row<typeof customerConsents>;

/** The consent ends; its row, and the token with it, goes. The audit keeps what it was. */
export function withdrawn(consent: Consent): Change[] {
  return [remove(customerConsents, consent), toldOf("customer_consent.withdrawn", consent)];
}

/** Beside what ends whatever consent there is: one that is given meanwhile is not overlooked. */
export function withdrawnIfGiven(customerId: string, consent: Consent | null): Change[] {
  if (consent !== null) return withdrawn(consent);
  return [mustNotExist(customerConsents, eq(customerConsents.id, customerId), null)];
}

export function toldOf(
  event: "customer_consent.given" | "customer_consent.withdrawn",
  row: Pick<Consent, "customerId">,
) {
  return emit(event, { customerId: row.customerId }, { table: customerConsents, row });
}
