import { eq } from "drizzle-orm";
import { z } from "zod";
import { update as change, remove as deletion, emit, insert, mustNotExist, note } from "#db/changes.ts";
import { one } from "#db/queries.ts";
import { metaOf, type Row } from "#db/tenant-table.ts";
import { type TenantContext, writeOperation } from "#http/operation.ts";
import { commit, Refusal, refuse } from "#http/outcome.ts";
import { CustomerId } from "#resources/customers/schema.ts";
import { customers } from "#resources/customers/table.ts";
import {
  allergensOf,
  DietaryPatch,
  DietaryReceipt,
  DietaryReveal,
  dietaryFields,
  RevealedDietary,
} from "./schema.ts";
import { customerDietary } from "./table.ts";

type Dietary = Row<typeof customerDietary>;

const params = z.object({ customerId: CustomerId });

export const update = writeOperation({
  mount: "tenant",
  method: "patch",
  path: "/customers/{customerId}/dietary",
  summary: "Record what a customer cannot or will not eat",
  can: "customers:sensitive",
  store: "cell",
  params,
  body: DietaryPatch,
  returns: DietaryReceipt,
  problems: ["invalid", "not-found", "customer-deleted", "subject-erased", "conflict", "precondition-failed"],
  async run({ tenant, now }, { params: { customerId }, body }) {
    const row = await dietaryOf(tenant, customerId);
    if (row instanceof Refusal) return row;
    const { allergens, needs } = body;
    const patch = { allergens: allergens ? JSON.stringify(allergens) : allergens, needs };
    if (row) {
      const changed = change(customerDietary, row, patch, now);
      return commit(receiptOf(changed.row), changed, told("customer_dietary.updated", row));
    }
    const first = insert(
      customerDietary,
      { id: customerId, customerId, allergens: patch.allergens ?? null, needs: needs ?? null },
      now,
    );
    const isFirst = mustNotExist(customerDietary, eq(customerDietary.id, customerId), {
      problem: "conflict",
    });
    return commit(receiptOf(first.row), isFirst, first, told("customer_dietary.updated", first.row));
  },
});

export const remove = writeOperation({
  mount: "tenant",
  method: "delete",
  path: "/customers/{customerId}/dietary",
  summary: "Remove what is recorded of a customer's diet",
  can: "customers:sensitive",
  store: "cell",
  params,
  returns: z.null(),
  status: 204,
  problems: ["not-found", "customer-deleted", "conflict", "precondition-failed"],
  async run({ tenant }, { params }) {
    const row = await dietaryOf(tenant, params.customerId);
    if (row instanceof Refusal) return row;
    if (row === null) return refuse("not-found");
    return commit(null, deletion(customerDietary, row), told("customer_dietary.deleted", row));
  },
});

/** A POST, as it writes: whoever learns what stands there leaves an audit row in the very commit that lets them. */
export const reveal = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/customers/{customerId}/dietary/reveal",
  summary: "Reveal what is recorded of a customer's diet; the audit names the fields and who asked",
  can: "customers:sensitive",
  recordRefusal: true,
  store: "cell",
  params,
  body: DietaryReveal,
  returns: RevealedDietary,
  problems: ["invalid", "not-found", "customer-deleted"],
  async run({ tenant }, { params: { customerId }, body }) {
    const row = await dietaryOf(tenant, customerId);
    if (row instanceof Refusal) return row;
    return commit(
      { customerId, dietary: row && { ...row, allergens: allergensOf(row) } },
      note(metaOf(customerDietary).entity, customerId, {
        revealed: row ? recordedIn(row) : [],
        reason: body.reason ?? null,
      }),
      told("customer_dietary.revealed", { customerId }),
    );
  },
});

/** The row, or null where nothing is recorded; a deleted customer's is out of reach until they are restored. */
async function dietaryOf(
  tenant: TenantContext["tenant"],
  customerId: string,
): Promise<Dietary | null | Refusal> {
  const { customer, row } = await tenant.read({
    customer: one(customers, customerId),
    row: one(customerDietary, customerId),
  });
  if (!customer) return refuse("not-found");
  return customer.deletedAt === null ? row : refuse("customer-deleted");
}

function recordedIn(row: Dietary) {
  return dietaryFields.filter((field) => row[field] !== null);
}

function receiptOf(row: Dietary) {
  return { ...row, recorded: recordedIn(row) };
}

function told(
  event: "customer_dietary.updated" | "customer_dietary.deleted" | "customer_dietary.revealed",
  row: Pick<Dietary, "customerId">,
) {
  return emit(event, { customerId: row.customerId }, { table: customerDietary, row });
}
