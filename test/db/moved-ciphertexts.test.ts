import { beforeAll, expect, test, vi } from "vitest";
import { type DataKey, type SealAddress, SealError, seal } from "#crypto/envelope.ts";
import { update } from "#db/changes.ts";
import { openDirectory } from "#db/directory.ts";
import { platformTenant, sessions } from "#db/directory-tables.ts";
import { systemSession } from "#db/open-tenant.ts";
import { many } from "#db/queries.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import { type AnyTenantTable, columnOf, metaOf, tenantTables } from "#db/tenant-table.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { exampleOf } from "#test/examples.ts";
import { newSubject, signInAt } from "#test/identity/federation/kit.ts";
import { newBearer, newEmail, newEnrolled, newTexted } from "#test/identity/kit.ts";
import { newClient } from "#test/identity/oauth/kit.ts";
import { newMail, resetMail } from "#test/mail/kit.ts";
import { newMember } from "#test/member-examples.ts";
import { newConnection } from "#test/resources/sso/kit.ts";
import { newSession } from "#test/support-kit.ts";
import { as, newTenant, rowsOf, type TestTenant } from "#test/world.ts";
import { tablesOf } from "#test/written.ts";

/** Every column that is sealed, and as what. By hand: a new one is decided here, and put into a row by the seeds. */
const sealed: Readonly<Record<string, "personal" | "sensitive" | "secret">> = {
  "api_keys.name": "personal",
  "customer_dietary.allergens": "sensitive",
  "customer_dietary.needs": "sensitive",
  "checkpoint_keys.seed": "secret",
  "customers.email": "personal",
  "customers.name": "personal",
  "customers.note": "personal",
  "customers.phone": "personal",
  "email_changes.email": "personal",
  "federated_arrivals.email": "personal",
  "federated_arrivals.name": "personal",
  "federated_arrivals.subject": "personal",
  "federated_identities.subject": "personal",
  "files.name": "personal",
  "invitations.email": "secret",
  "key_peppers.pepper": "secret",
  "key_limits.reason": "personal",
  "members.email": "personal",
  "members.name": "personal",
  "mail_suppressions.recipient": "secret",
  "oauth_clients.name": "personal",
  "outgoing_mails.data": "secret",
  "outgoing_mails.recipient": "secret",
  "outside_identities.subject": "personal",
  "passkeys.credential": "personal",
  "passkeys.name": "personal",
  "passwords.hash": "secret",
  "recovery_codes.hashes": "secret",
  "sessions.address": "personal",
  "sessions.device": "personal",
  "sessions.place": "personal",
  "sign_in_challenges.connects": "personal",
  "sign_ups.email": "personal",
  "sign_ups.name": "personal",
  "sign_ups.password_hash": "secret",
  "signing_keys.private_jwk": "secret",
  "sms_factors.number": "personal",
  "sso_connections.client_secret": "secret",
  "support_grants.reason": "personal",
  "support_sessions.reason": "personal",
  "totp_factors.secret": "secret",
  "users.email": "personal",
  "users.name": "personal",
  "visiting_agents.name": "personal",
  "webhook_endpoints.previous_secret": "secret",
  "webhook_endpoints.secret": "secret",
  "webhook_endpoints.url": "secret",
};

/** One column of one row of one owner, and the ciphertext that is at home there. */
interface Place {
  readonly session: TenantSession;
  readonly database: D1Database;
  readonly table: AnyTenantTable;
  readonly key: string;
  readonly column: string;
  readonly id: string;
  readonly envelope: string;
}

const { call } = clientOf();
let us: TestTenant;
let places: readonly Place[];

beforeAll(async () => {
  const neighbour = await newTenant();
  us = await newTenant();
  await newMail(resetMail("ada@mail.example"));
  await call("mail.postmark", await exampleOf("mail.postmark").make(us));
  await call("sign-in.password", await exampleOf("sign-in.password").make(us));
  // Known by Google once their second factor is proved.
  for (const { email } of [await newEnrolled(), await newEnrolled()])
    await signInAt("google", {
      claims: { sub: newSubject(), email, email_verified: true, hd: "people.example" },
    });
  for (const make of [newBearer, newBearer, newTexted, newTexted]) await make();
  for (const _ of [1, 2]) await call("email-changes.ask", await exampleOf("email-changes.ask").make(us));
  for (const source of ["google", "google", "work", "work"])
    await signInAt(source, {
      claims: { sub: newSubject(), email: newEmail(), email_verified: true, hd: "people.example" },
    });
  await placed();
  const owners: [TenantSession, D1Database][] = [[await openDirectory(testEnv()), testEnv().DIRECTORY]];
  for (const tenant of [us, neighbour]) {
    await newClient(tenant);
    await newMember(tenant, { role: "staff" });
    await newConnection(tenant);
    await newSession(tenant);
    await rotated(tenant);
    const { database } = tenant.cell;
    owners.unshift([await systemSession(testEnv(), database, tenant.tenantId), database]);
  }
  places = (await Promise.all(owners.map(([session, database]) => placesOf(session, database)))).flat();
});

/** The platform alone knows where an address lies, and none runs here. */
async function placed(): Promise<void> {
  const directory = await openDirectory(testEnv());
  const { found } = await directory.read({ found: many(sessions, { limit: 10 }) });
  const now = Date.now();
  const run = { job: "test.place", requestId: newId("run"), now };
  for (const session of found)
    await commitAsSystem(directory, run, [update(sessions, session, { place: "Leeuwarden, NL" }, now)]);
}

test("the sealed columns of the registry are those that are listed here", () => {
  const declared = sealedColumns().map(({ name, classification }) => [name, classification]);
  expect(Object.fromEntries(declared)).toEqual(sealed);
});

for (const name of Object.keys(sealed)) {
  test(`${name} opens at home, and no ciphertext of another row, column, table or tenant opens there`, async () => {
    const here = placeAt(name);
    const plain = await read(here);
    expect(plain).toEqual(expect.stringMatching(/./));
    const others = places.filter((place) => place !== here);
    expect(new Set(others.map(({ session }) => session.tenantId)).size, "tenants").toBe(3);
    for (const other of others) {
      await put(here, other.envelope);
      await expectClosed(here, nameOf(other));
    }
    await put(here, here.envelope);
    expect(await read(here)).toBe(plain);
  });

  test(`${name} opens nothing that its very key has sealed for another place, and nothing that was not sealed`, async () => {
    const here = placeAt(name);
    const key = await keyOf(here);
    const { tenantId: tenant } = here.session;
    const home = { tenant, table: metaOf(here.table).name, column: here.column, row: here.id };
    const moved: SealAddress[] = [
      { ...home, row: `${home.row}x` },
      { ...home, column: "moved" },
      { ...home, table: "moved" },
      { ...home, tenant: "ten_moved" },
    ];
    for (const address of moved) {
      await put(here, await seal(key, address, "Moved here"));
      await expectClosed(here, JSON.stringify(address), "bad-tag");
    }
    for (const text of ["", "Moved here", here.envelope.slice(0, -1), here.envelope.toUpperCase()]) {
      await put(here, text);
      await expectClosed(here, JSON.stringify(text));
    }
    await put(here, await seal(key, home, "At home"));
    expect(await read(here)).toBe("At home");
    await put(here, here.envelope);
  });
}

/** What answers a customer's, key's, file's or endpoint's sealed columns, and the column that is tampered with. */
const answers: readonly [operation: string, column: string, input: (tenant: TestTenant) => object][] = [
  ["customers.get", "customers.note", ({ customerIds: [customerId] }) => ({ params: { customerId } })],
  ["customers.list", "customers.phone", () => ({ query: { limit: "5" } })],
  ["customers.search", "customers.name", ({ business }) => ({ body: { email: business.people[0]?.email } })],
  ["api-keys.list", "api_keys.name", () => ({ query: { limit: "5" } })],
  ["files.get", "files.name", ({ fileId }) => ({ params: { fileId } })],
  ["webhook-endpoints.list", "webhook_endpoints.url", () => ({ query: { limit: "5" } })],
  [
    "customer-dietary.reveal",
    "customer_dietary.allergens",
    ({ customerIds: [customerId] }) => ({ params: { customerId }, body: {} }),
  ],
];

for (const [operation, name, input] of answers) {
  test(`${operation} over a moved ciphertext is an error that says nothing, and nothing came of it`, async () => {
    const lines: string[] = [];
    vi.spyOn(console, "error").mockImplementation((...line) => void lines.push(line.join(" ")));
    const here = placeAt(name, operation.startsWith("customer") ? us.customerIds[0] : undefined);
    const plain = String(await read(here));
    const given = { ...as(us), ...input(us) };
    expect((await call(operation, given)).text).toContain(JSON.stringify(plain).slice(1, -1).split("\\")[0]);
    const elsewhere = places.find((place) => nameOf(place) === name && place.session !== here.session);
    if (!elsewhere) throw new Error(`Our neighbour has no ${name}.`);
    await put(here, elsewhere.envelope);
    const before = await auditOf(operation);
    const { status, json, text } = await call(operation, given);
    expect([status, json]).toEqual([
      500,
      { type: "/problems/internal", title: expect.any(String), status: 500, requestId: json.requestId },
    ]);
    expect(await auditOf(operation)).toEqual(before);
    expect(lines.join()).toContain("a sealed value could not be opened");
    for (const said of [text, ...lines]) expect(said).not.toContain(plain);
    await put(here, here.envelope);
    expect((await call(operation, given)).status).toBe(200);
    vi.restoreAllMocks();
  });
}

interface SealedColumn {
  readonly table: AnyTenantTable;
  readonly key: string;
  readonly name: string;
  readonly classification: string;
}

function sealedColumns(): SealedColumn[] {
  return [...tenantTables()].flatMap(([tableName, table]) =>
    [...metaOf(table).classification]
      .filter(([, classification]) => ["personal", "sensitive", "secret"].includes(classification))
      .map(([key, classification]) => {
        const name = `${tableName}.${columnOf(table, key).name}`;
        return { table, key, name, classification };
      }),
  );
}

/** Two rows of each sealed column, where there are two. */
async function placesOf(session: TenantSession, database: D1Database): Promise<Place[]> {
  const here = await tablesOf(session.tenantId === platformTenant ? "directory" : "us1", database);
  const columns = sealedColumns().filter(({ table }) => here.includes(metaOf(table).name));
  const found = columns.map(async ({ table, key }) => {
    const column = columnOf(table, key).name;
    const rows = await rowsOf<{ id: string; envelope: string }>(
      database,
      `select id, "${column}" as envelope from "${metaOf(table).name}" where tenant_id = ? and "${column}" is not null order by id limit 2`,
      session.tenantId,
    );
    return rows.map(({ id, envelope }) => ({ session, database, table, key, column, id, envelope }));
  });
  return (await Promise.all(found)).flat();
}

/** Of ours, or of the directory. */
function placeAt(name: string, id?: string): Place {
  const place = places.find(
    (each) =>
      nameOf(each) === name &&
      [us.tenantId, platformTenant].includes(each.session.tenantId) &&
      (id === undefined || each.id === id),
  );
  if (!place) throw new Error(`No row holds ${name}: let the seeds hold one.`);
  return place;
}

function nameOf({ table, column }: Place): string {
  return `${metaOf(table).name}.${column}`;
}

async function read({ session, table, id, key }: Place): Promise<unknown> {
  return (await session.get(table, id))?.[key];
}

async function put({ database, session, table, column, id }: Place, envelope: string): Promise<void> {
  await rowsOf(
    database,
    `update "${metaOf(table).name}" set "${column}" = ? where tenant_id = ? and id = ?`,
    envelope,
    session.tenantId,
    id,
  );
}

async function expectClosed(here: Place, from: string, reason?: string): Promise<void> {
  const outcome = await read(here).catch((error: unknown) => error);
  expect(outcome, `a ciphertext of ${from} in ${nameOf(here)}`).toBeInstanceOf(SealError);
  if (reason) expect(outcome).toMatchObject({ reason });
}

/** The key that its row's values are sealed under. */
async function keyOf({ session, table, id, key: column }: Place): Promise<DataKey> {
  const { subject, classification } = metaOf(table);
  if (subject === null || classification.get(column) === "secret") return session.keys.ring.tenantKey();
  const row = await session.get(table, id);
  const key = session.keys.subjects.get(String(row?.[subject]));
  if (!key) throw new Error(`${id} is nobody's.`);
  return key;
}

/** That it was done. */
function auditOf(operation: string) {
  const text = "select id from audit_log where tenant_id = ? and operation = ?";
  return rowsOf(us.cell.database, text, us.tenantId, operation);
}

/** An endpoint has a previous secret only after it was given a new one. */
async function rotated(tenant: TestTenant): Promise<void> {
  const { json } = await call("webhook-endpoints.list", { ...as(tenant), query: { limit: "1" } });
  const params = { webhookEndpointId: json.data[0].id };
  await call("webhook-endpoints.rotate", { ...as(tenant), params, body: { overlapHours: 1 } });
}
