import { and, isNull, sql } from "drizzle-orm";
import { exactly, type ListOptions, matching } from "#db/queries.ts";
import { readOperation } from "#http/operation.ts";
import { Refusal } from "#http/outcome.ts";
import { pageOf } from "#http/page.ts";
import { Customer, CustomerSearch } from "./schema.ts";
import { customers } from "./table.ts";

export const search = readOperation({
  mount: "tenant",
  method: "post",
  path: "/customers/search",
  summary: "Find customers by the words of their name, or by exact e-mail or phone",
  can: "customers:read",
  tellsOfPeople: true,
  expensive: true,
  store: "cell",
  body: CustomerSearch,
  returns: pageOf(Customer),
  problems: ["invalid"],
  async run({ tenant, cursors }, { body }) {
    const { limit, cursor, ...filter } = body;
    const after = await cursors.open(cursor, filter);
    if (after instanceof Refusal) return after;
    const where = and(
      isNull(customers.deletedAt),
      after === null ? undefined : sql`${customers.id} < ${after}`,
    );
    const { rows } = await tenant.read({ rows: queryOf(filter, { where, limit: limit + 1 }) });
    return await cursors.page(
      rows,
      limit,
      filter,
      (row) => row.id,
      (row) => row,
    );
  },
});

type Filter = { name: string } | { email: string } | { phone: string };

function queryOf(filter: Filter, options: ListOptions) {
  if ("email" in filter)
    return exactly(customers, "emailToken", filter.email, { ...options, indexedBy: "customers_by_email" });
  if ("phone" in filter)
    return exactly(customers, "phoneToken", filter.phone, { ...options, indexedBy: "customers_by_phone" });
  return matching(customers, filter.name, options);
}
