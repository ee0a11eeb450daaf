import { eq } from "drizzle-orm";
import { z } from "zod";
import { type Guard, mustExist, note } from "#db/changes.ts";
import { one } from "#db/queries.ts";
import { all } from "#db/statement.ts";
import { metaOf, type Row } from "#db/tenant-table.ts";
import { holds } from "#gate/capabilities.ts";
import { tenants } from "#gate/tables.ts";
import { writeOperation } from "#http/operation.ts";
import { commit, refuse } from "#http/outcome.ts";
import { allergensOf } from "#resources/customer-dietary/schema.ts";
import { customerDietary } from "#resources/customer-dietary/table.ts";
import { CustomerId } from "#resources/customers/schema.ts";
import { customers } from "#resources/customers/table.ts";
import { common, fieldsOf, isSensitive, type ShareableField } from "./rules.ts";
import { SharedProfiles } from "./schema.ts";
import { customerConsents } from "./table.ts";

/** A POST, as it writes: whoever learns leaves an audit row here, and at each venue that told one an hour, before they learn. */
export const sharedProfiles = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/customers/{customerId}/shared-profiles",
  summary: "See what other venues share of the same person, where both have consent; each of them is told",
  can: "customers:consent",
  recordRefusal: true,
  expensive: true,
  store: "cell",
  params: z.object({ customerId: CustomerId }),
  returns: SharedProfiles,
  // What another tenant told ends with the consent there, so no record may outlive it.
  shownOnce: ["data"],
  problems: ["not-found", "customer-deleted", "conflict"],
  async run({ tenant, principal, linkedPeople }, { params: { customerId } }) {
    const { customer, consent } = await tenant.read({
      customer: one(customers, customerId),
      consent: one(customerConsents, customerId),
    });
    if (!customer) return refuse("not-found");
    if (customer.deletedAt !== null) return refuse("customer-deleted");
    const token = consent?.identityToken ?? null;
    if (consent === null || token === null) return commit({ data: [] }, noted(customerId, null, []));
    const maySense = holds(principal.capabilities, "customers:sensitive");
    const wanted = fieldsOf(consent).filter((field) => maySense || !isSensitive(field));
    const found = await linkedPeople.shared(token, wanted, (record) => ({
      queries: {
        venue: one(tenants, record.tenantId),
        theirs: one(customerConsents, record.customerId),
        person: one(customers, record.customerId),
        diet: one(customerDietary, record.customerId),
      },
      tell: (told: There) => toldTo(principal.tenantId, token, wanted, told),
    }));
    return commit(
      { data: found.map(({ profile }) => profile) },
      stillGiven(consent),
      ...(found.length === 0
        ? [noted(customerId, null, [])]
        : found.map(({ tenantId, profile }) => noted(customerId, tenantId, profile.fields))),
    );
  },
});

interface There {
  readonly venue: Row<typeof tenants> | null;
  readonly theirs: Row<typeof customerConsents> | null;
  readonly person: Row<typeof customers> | null;
  readonly diet: Row<typeof customerDietary> | null;
}

/** What the other side tells, under the consent as it is read there and still stands when the telling is noted. */
function toldTo(
  askerId: string,
  token: string,
  wanted: readonly ShareableField[],
  { venue, theirs, person, diet }: There,
) {
  if (!venue || !person || theirs?.identityToken !== token) return null;
  const fields = common(wanted, fieldsOf(theirs));
  if (fields.length === 0) return null;
  const { name, email, phone } = person;
  const recorded = { name, email, phone, allergens: diet && allergensOf(diet), needs: diet?.needs ?? null };
  const agreed = Object.fromEntries(fields.map((field) => [field, recorded[field]]));
  const told = commit(
    {
      tenantId: venue.id,
      profile: { venue: { slug: venue.slug, name: venue.name }, fields, ...agreed },
    },
    stillGiven(theirs),
    note(metaOf(customerConsents).entity, person.id, { sharedWith: askerId, fields }),
  );
  // A consent that is given anew begins with version 1 again, at another time.
  return { ...told, about: JSON.stringify([askerId, theirs.id, theirs.givenAt, theirs.version, fields]) };
}

function stillGiven({ id, version }: Row<typeof customerConsents>): Guard {
  const table = customerConsents;
  return mustExist(table, all(eq(table.id, id), eq(table.version, version)), null);
}

function noted(customerId: string, sharedBy: string | null, fields: readonly ShareableField[]) {
  return note(metaOf(customerConsents).entity, customerId, { sharedBy, fields });
}
