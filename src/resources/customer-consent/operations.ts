import { eq, ne } from "drizzle-orm";
import { z } from "zod";
import { update as change, insert, mustExist, mustNotExist } from "#db/changes.ts";
import { one } from "#db/queries.ts";
import { all } from "#db/statement.ts";
import type { Row } from "#db/tenant-table.ts";
import { holds } from "#gate/capabilities.ts";
import { readOperation, writeOperation } from "#http/operation.ts";
import { commit, refuse } from "#http/outcome.ts";
import { timestamp } from "#lib/time.ts";
import { CustomerId } from "#resources/customers/schema.ts";
import { customers } from "#resources/customers/table.ts";
import { fieldsOf, isSensitive, storedFields } from "./rules.ts";
import { ConsentGiven, CustomerConsent } from "./schema.ts";
import { customerConsents, toldOf, withdrawn } from "./table.ts";

const params = z.object({ customerId: CustomerId });

export const get = readOperation({
  mount: "tenant",
  method: "get",
  path: "/customers/{customerId}/consent",
  summary: "Read what a customer agreed to share with other venues",
  can: "customers:consent",
  store: "cell",
  params,
  returns: CustomerConsent,
  problems: ["not-found"],
  async run({ tenant }, { params }) {
    const row = await tenant.get(customerConsents, params.customerId);
    // Without its token, as of somebody who was erased, it is none.
    return row === null || row.identityToken === null ? refuse("not-found") : shown(row);
  },
});

/** The one place where a person is given a token. */
export const give = writeOperation({
  mount: "tenant",
  method: "put",
  path: "/customers/{customerId}/consent",
  summary: "Record what a customer agreed to share with other venues, or agreed to anew",
  can: "customers:consent",
  store: "cell",
  params,
  body: ConsentGiven,
  returns: CustomerConsent,
  problems: [
    "invalid",
    "not-found",
    "customer-deleted",
    "customer-without-email",
    "address-has-consent",
    "subject-erased",
    "conflict",
    "precondition-failed",
  ],
  async run({ tenant, principal, linkedPeople, now }, { params: { customerId }, body }) {
    if (body.fields.some(isSensitive) && !holds(principal.capabilities, "customers:sensitive"))
      return refuse("forbidden");
    const { customer, row } = await tenant.read({
      customer: one(customers, customerId),
      row: one(customerConsents, customerId),
    });
    if (!customer) return refuse("not-found");
    if (customer.deletedAt !== null) return refuse("customer-deleted");
    const identityToken = customer.email === null ? null : await linkedPeople.identify(customer.email);
    if (identityToken === null) return refuse("customer-without-email");
    const { obtained } = body;
    const given = { fields: storedFields(body.fields), obtained, givenAt: timestamp(now), identityToken };
    const { id, identityToken: token } = customerConsents;
    const changed = row
      ? change(customerConsents, row, given, now)
      : insert(customerConsents, { id: customerId, customerId, ...given }, now);
    return commit(
      shown(changed.row),
      // The address may be another by now, or the customer deleted: then this is not what was agreed to.
      mustExist(customers, all(eq(customers.id, customerId), eq(customers.version, customer.version)), null),
      mustNotExist(customerConsents, all(eq(token, identityToken), ne(id, customerId)), {
        problem: "address-has-consent",
      }),
      ...(row ? [] : [mustNotExist(customerConsents, eq(id, customerId), null)]),
      changed,
      toldOf("customer_consent.given", changed.row),
    );
  },
});

/** Of a deleted customer too, though there it has happened already. */
export const withdraw = writeOperation({
  mount: "tenant",
  method: "delete",
  path: "/customers/{customerId}/consent",
  summary: "Withdraw a customer's consent; nothing more is shared from here on",
  can: "customers:consent",
  store: "cell",
  params,
  returns: z.null(),
  status: 204,
  problems: ["not-found", "conflict", "precondition-failed"],
  async run({ tenant }, { params }) {
    const row = await tenant.get(customerConsents, params.customerId);
    return row === null ? refuse("not-found") : commit(null, ...withdrawn(row));
  },
});

function shown(row: Row<typeof customerConsents>) {
  return { ...row, fields: fieldsOf(row) };
}
