import { destroySubject } from "#db/destroy-subject.ts";
import { timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { type Answer, type Call, clientOf } from "#test/client.ts";
import { as, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();

/** Somebody as one venue knows them. */
export interface Known {
  readonly tenant: TestTenant;
  readonly id: string;
}

/** The words of the person's record here, none of which another venue has. */
export function recordAt({ slug }: TestTenant) {
  return { name: `Ada of ${slug}`, phone: "+44 20 7946 0958", needs: `Vegan at ${slug}.`, allergens: [slug] };
}

/** An address that nobody else has. */
export function newAddress(): string {
  return `${newId("x").slice(2)}@example.com`;
}

export async function knownAt(tenant: TestTenant, email: string | null): Promise<Known> {
  const { name, phone, needs, allergens } = recordAt(tenant);
  const { json } = await ok(call("customers.create", { ...as(tenant), body: { name, phone, email } }));
  const known = { tenant, id: json.id };
  await ok(ask(known, "customer-dietary.update", { body: { needs, allergens } }));
  return known;
}

/** The person at each of these venues, with consent to these fields. */
export async function consenting(
  email: string,
  ...at: readonly (readonly [TestTenant, readonly string[]])[]
): Promise<Known[]> {
  const all: Known[] = [];
  for (const [tenant, fields] of at) {
    const known = await knownAt(tenant, email);
    await ok(give(known, fields));
    all.push(known);
  }
  return all;
}

export function give(known: Known, fields: readonly string[], more: Call = {}): Promise<Answer> {
  return ask(known, "customer-consent.give", { body: { fields, obtained: "in-person" }, ...more });
}

export function withdraw(known: Known, more: Call = {}): Promise<Answer> {
  return ask(known, "customer-consent.withdraw", more);
}

export function profilesOf(known: Known, more: Call = {}): Promise<Answer> {
  return ask(known, "customer-consent.sharedProfiles", more);
}

/** About this customer, by their venue's key of every capability unless told. */
export function ask({ tenant, id }: Known, name: string, more: Call = {}): Promise<Answer> {
  return call(name, { ...as(tenant), params: { customerId: id }, ...more });
}

export async function ok(asked: Promise<Answer>): Promise<Answer> {
  const answer = await asked;
  if (answer.status >= 300) throw new Error(`Prepared in vain: ${answer.text}`);
  return answer;
}

export async function destroyed({ tenant: { cell, tenantId }, id: subjectId }: Known): Promise<void> {
  const now = Date.now();
  const run = { job: "test.destroy", requestId: newId("run"), now };
  await destroySubject(cell.database, { tenantId, subjectId, destroyedAt: timestamp(now) }, run);
}

export async function stateOf({ cell, tenantId }: TestTenant, state: "active" | "frozen" | "closing") {
  await rowsOf(cell.database, "update tenant_state set state = ? where tenant_id = ?", state, tenantId);
}

interface Told {
  readonly seq: number;
  readonly action: string;
  readonly actor_id: string;
  readonly operation: string;
  readonly request_id: string;
  readonly row: string;
}

/** What the venue's audit says of the consent and its use, the oldest first. */
export function auditOf({ tenant: { cell, tenantId }, id }: Known): Promise<Told[]> {
  return rowsOf<Told>(
    cell.database,
    "select seq, action, actor_id, operation, request_id, row from audit_log where tenant_id = ? and entity = 'customer-consent' and entity_id = ? order by seq",
    tenantId,
    id,
  );
}

/** Whom the venue told what, by its audit. */
export async function toldBy(known: Known): Promise<{ sharedWith: string; fields: string[] }[]> {
  const rows = await auditOf(known);
  const notes = rows.filter(({ action }) => action === "note").map(({ row }) => JSON.parse(row));
  return notes.filter((note) => "sharedWith" in note);
}

export async function tokenOf({ tenant: { cell, tenantId }, id }: Known): Promise<string | null> {
  const [row] = await rowsOf<{ token: string | null }>(
    cell.database,
    "select identity_token as token from customer_consents where tenant_id = ? and id = ?",
    tenantId,
    id,
  );
  return row?.token ?? null;
}
