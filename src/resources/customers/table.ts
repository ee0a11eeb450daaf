import { text } from "drizzle-orm/sqlite-core";
import { digest, none, open, personal, tenantTable } from "#db/tenant-table.ts";
import { normaliseEmail, normalisePhone } from "#lib/normalise.ts";

export const customers = tenantTable(
  "customers",
  {
    name: personal(text("name").notNull()),
    email: personal(text("email")),
    phone: personal(text("phone")),
    note: personal(text("note")),
    emailToken: digest(text("email_token")),
    phoneToken: digest(text("phone_token")),
    deletedAt: open(text("deleted_at")),
  },
  {
    entity: "customer",
    scope: none("a customer buys at any location of the tenant"),
    subject: "id",
    exact: {
      emailToken: { from: "email", normalise: normaliseEmail },
      phoneToken: { from: "phone", normalise: normalisePhone },
    },
    search: "name",
  },
);
