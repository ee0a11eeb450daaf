import { and, isNull, sql } from "drizzle-orm";
import { z } from "zod";
import { update as change, emit, insert } from "#db/changes.ts";
import type { EventType } from "#db/event-types.ts";
import { many, one } from "#db/queries.ts";
import type { Patch, Row } from "#db/tenant-table.ts";
import { readOperation, type TenantContext, writeOperation } from "#http/operation.ts";
import { commit, Refusal, refuse } from "#http/outcome.ts";
import { pageOf, pageQuery } from "#http/page.ts";
import { normaliseEmail } from "#lib/normalise.ts";
import { timestamp } from "#lib/time.ts";
import { customerConsents, withdrawnIfGiven } from "#resources/customer-consent/table.ts";
import { Customer, CustomerId, CustomerPatch, NewCustomer } from "./schema.ts";
import { customers } from "./table.ts";

const params = z.object({ customerId: CustomerId });

export const list = readOperation({
  mount: "tenant",
  method: "get",
  path: "/customers",
  summary: "List customers, newest first, without the deleted",
  can: "customers:read",
  store: "cell",
  query: z.strictObject(pageQuery),
  returns: pageOf(Customer),
  problems: ["invalid"],
  async run({ tenant, cursors }, { query }) {
    const after = await cursors.open(query.cursor, {});
    if (after instanceof Refusal) return after;
    const where = and(
      isNull(customers.deletedAt),
      after === null ? undefined : sql`${customers.id} < ${after}`,
    );
    const { rows } = await tenant.read({
      rows: many(customers, { where, indexedBy: "customers_present", limit: query.limit + 1 }),
    });
    return await cursors.page(
      rows,
      query.limit,
      {},
      (row) => row.id,
      (row) => row,
    );
  },
});

export const get = readOperation({
  mount: "tenant",
  method: "get",
  path: "/customers/{customerId}",
  summary: "Read a customer",
  can: "customers:read",
  store: "cell",
  params,
  returns: Customer,
  problems: ["not-found"],
  async run({ tenant }, { params }) {
    return (await tenant.get(customers, params.customerId)) ?? refuse("not-found");
  },
});

export const create = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/customers",
  summary: "Add a customer",
  can: "customers:write",
  store: "cell",
  body: NewCustomer,
  returns: Customer,
  status: 201,
  problems: ["invalid"],
  async run({ now, newId }, { body }) {
    const { name, email = null, phone = null, note = null } = body;
    const created = insert(customers, { id: newId("cus"), name, email, phone, note }, now);
    return commit(created.row, created, told("customer.created", created.row));
  },
});

export const update = writeOperation({
  mount: "tenant",
  method: "patch",
  path: "/customers/{customerId}",
  summary: "Change a customer",
  can: "customers:write",
  store: "cell",
  params,
  body: CustomerPatch,
  returns: Customer,
  problems: ["invalid", "not-found", "customer-deleted", "subject-erased", "conflict", "precondition-failed"],
  async run(context, { params, body }) {
    return await changed(context, params.customerId, "customer.updated", (row) =>
      row.deletedAt === null ? body : refuse("customer-deleted"),
    );
  },
});

export const remove = writeOperation({
  mount: "tenant",
  method: "delete",
  path: "/customers/{customerId}",
  summary: "Delete a customer so that they can be restored",
  can: "customers:write",
  store: "cell",
  params,
  returns: Customer,
  problems: ["not-found", "conflict", "precondition-failed"],
  async run(context, { params }) {
    return await changed(context, params.customerId, "customer.deleted", (row) =>
      row.deletedAt === null ? { deletedAt: timestamp(context.now) } : null,
    );
  },
});

export const restore = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/customers/{customerId}/restore",
  summary: "Restore a deleted customer",
  can: "customers:write",
  store: "cell",
  params,
  returns: Customer,
  problems: ["not-found", "conflict", "precondition-failed"],
  async run(context, { params }) {
    return await changed(context, params.customerId, "customer.restored", (row) =>
      row.deletedAt === null ? null : { deletedAt: null },
    );
  },
});

/** Reads, decides, changes; null means that the customer is as wished already. */
async function changed(
  { tenant, now }: TenantContext,
  id: string,
  event: EventType,
  decide: (row: Row<typeof customers>) => Patch<typeof customers> | null | Refusal,
) {
  const { row, consent } = await tenant.read({ row: one(customers, id), consent: one(customerConsents, id) });
  if (!row) return refuse("not-found");
  const patch = decide(row);
  if (patch instanceof Refusal) return patch;
  if (patch === null) return commit(row);
  const next = change(customers, row, patch, now);
  const ended = endsConsent(row, next.row) ? withdrawnIfGiven(id, consent) : [];
  return commit(next.row, next, ...ended, told(event, row));
}

/** Consent was given for the person of this address, and to a venue that knows them. */
function endsConsent(before: Row<typeof customers>, after: Row<typeof customers>): boolean {
  const isDeleted = before.deletedAt === null && after.deletedAt !== null;
  return isDeleted || normaliseEmail(before.email ?? "") !== normaliseEmail(after.email ?? "");
}

function told(event: EventType, row: Row<typeof customers>) {
  return emit(event, { customerId: row.id }, { table: customers, row });
}
