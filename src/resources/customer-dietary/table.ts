import { text } from "drizzle-orm/sqlite-core";
import { open, sensitive, tenantTable, via } from "#db/tenant-table.ts";
import { customers } from "#resources/customers/table.ts";

/** One row per customer, known by the customer's id; the table holds the two to be the same. */
export const customerDietary = tenantTable(
  "customer_dietary",
  {
    customerId: open(text("customer_id").notNull()),
    /** JSON array; null: nobody has asked, which is not the same as none. */
    allergens: sensitive(text("allergens")),
    needs: sensitive(text("needs")),
  },
  { entity: "customer-dietary", scope: via(customers, "customerId"), subject: "customerId" },
);
