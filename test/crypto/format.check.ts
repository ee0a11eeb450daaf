import assert from "node:assert/strict";
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createClient } from "#client/client.ts";
import { heldFetch } from "#test/contract/held-fetch.ts";
import { type Instance, startInstance } from "#test/contract/instance.ts";
import { tablesIn } from "./raw-rows.ts";
import {
  indexToken,
  type Opened,
  openAll,
  openText,
  personToken,
  type RawRow,
} from "./second-implementation.ts";

// A second implementation of what is sealed: rows of the running application, opened with nothing but what
// src/crypto/README.md says, by Node's OpenSSL.

const ada = {
  name: "Ada Lövelace",
  email: "Ada@Example.com",
  phone: "+44 20 7946 0958",
  note: "Calls ahead. 🌊",
};
const diet = { allergens: ["sesame"], needs: "Vegan on weekdays" };
const issuersSecret = "what the issuer gave";
const receiverSays = "no such route at the receiver";
const copies = mkdtempSync(join(tmpdir(), "keyline-rows-"));
let instance: Instance;
let databases: readonly ReadonlyMap<string, readonly RawRow[]>[];
let keks: string;
let opened: readonly Opened[];

const receiver = createServer((_, response) => void response.writeHead(404).end(receiverSays));

before(async () => {
  instance = await startInstance();
  await new Promise<void>((resolve) => receiver.listen(0, "localhost", resolve));
  await live();
  [, keks = ""] = /^KEYLINE_KEKS="(.*)"$/m.exec(readFileSync(join(instance.home, ".dev.vars"), "utf8")) ?? [];
  databases = rowsNow();
  opened = databases.flatMap((tables) => openAll(keks, tables).opened);
});

after(async () => {
  receiver.close();
  await instance?.stop();
  rmSync(copies, { recursive: true, force: true });
});

/** Where envelopes lie. By hand, as README lists them. */
const places = [
  "api_keys.name",
  "audit_log.caller",
  "audit_log.row api-key.name",
  "audit_log.row customer-dietary.allergens",
  "audit_log.row customer-dietary.needs",
  "audit_log.row customer.email",
  "audit_log.row customer.name",
  "audit_log.row customer.note",
  "audit_log.row customer.phone",
  "audit_log.row file.name",
  "audit_log.row key-limit.reason",
  "audit_log.row outside-identity.subject",
  "audit_log.row user.email",
  "audit_log.row user.name",
  "checkpoint_keys.seed",
  "customer_dietary.allergens",
  "customer_dietary.needs",
  "customers.email",
  "customers.name",
  "customers.note",
  "customers.phone",
  "files.name",
  "idempotency.answer",
  "invitations.email",
  "key_limits.reason",
  "key_peppers.pepper",
  "outside_identities.subject",
  "passwords.hash",
  "signing_keys.private_jwk",
  "sso_connections.client_secret",
  "users.email",
  "users.name",
  "webhook_attempts.excerpt",
  "webhook_bodies.body",
  "webhook_endpoints.previous_secret",
  "webhook_endpoints.secret",
  "webhook_endpoints.url",
];

// Gates tell it by the minute, so that it may be there or not; it is opened as all others are where it is.
const isNoUse = ({ place }: Opened) => place !== "last_uses.origin";

test("every envelope of every table opens by what is documented, wherever one may lie", () => {
  assert.deepEqual([...new Set(opened.filter(isNoUse).map(({ place }) => place))].toSorted(), places);
  assert.equal(new Set(opened.map(({ tenant }) => tenant)).size, 3, "two tenants and the platform");
  assert.ok(opened.length > 80, String(opened.length));
});

test("what was sent is what is read", () => {
  const at = (place: string) => opened.filter((each) => each.place === place).map(({ text }) => text);
  for (const [field, value] of Object.entries(ada)) {
    assert.ok(at(`customers.${field}`).includes(value), field);
    assert.ok(at(`audit_log.row customer.${field}`).includes(value), `the audit's ${field}`);
  }
  assert.ok(at("customer_dietary.allergens").includes(JSON.stringify(diet.allergens)));
  assert.ok(at("customer_dietary.needs").includes(diet.needs));
  assert.ok(at("users.email").includes("owner@harbour-cafe.example"));
  assert.ok(at("webhook_attempts.excerpt").includes(receiverSays));
  assert.equal(JSON.parse(at("signing_keys.private_jwk")[0] ?? "").kty, "EC");
  assert.match(at("key_peppers.pepper")[0] ?? "", /^[\w-]{43}$/);
  for (const secret of at("webhook_endpoints.secret")) assert.match(secret, /^whsec_/);
  assert.deepEqual(at("sso_connections.client_secret"), [issuersSecret]);
  assert.ok(at("audit_log.caller").some((text) => "userAgent" in JSON.parse(text)));
  const answers = at("idempotency.answer").map((text) => JSON.parse(text));
  assert.ok(answers.some(({ name }) => name === ada.name));
  assert.ok(answers.some(({ dietary }) => dietary?.needs === diet.needs));
  assert.ok(at("webhook_bodies.body").some((text) => JSON.parse(text).data.email === ada.email));
});

test("index tokens come out the same", () => {
  for (const tables of databases) {
    const row = (tables.get("customers") ?? []).find(({ id }) => id === adasId);
    if (!row) continue;
    const indexKey = openAll(keks, tables).keys.indexKeys.get(String(row.tenant_id));
    assert.equal(row.email_token, indexToken(indexKey, "email", "ada@example.com"));
    assert.equal(row.phone_token, indexToken(indexKey, "phone", "+442079460958"));
    return;
  }
  assert.fail("Ada is in no database.");
});

test("the token by which a person is known at several tenants comes out the same", () => {
  const all = databases.flatMap((tables) => tables.get("customer_consents") ?? []);
  // The seeds' have none.
  const rows = all.filter(({ identity_token }) => identity_token !== null);
  const ofPlatform = databases.map((tables) => openAll(keks, tables).keys.indexKeys.get("platform"));
  const platformKey = ofPlatform.find((each) => each !== undefined);
  assert.deepEqual(
    rows.map(({ id, identity_token }) => [id, identity_token]),
    [[adasId, personToken(platformKey, instance.tenants[0]?.cell ?? "", "ada@example.com")]],
  );
});

test("a value opens nowhere else, and under no other key-encryption key", () => {
  const tables = databases.find((each) => (each.get("customers") ?? []).some(({ id }) => id === adasId));
  assert.ok(tables);
  const { keys } = openAll(keks, tables);
  const row = (tables.get("customers") ?? []).find(({ id }) => id === adasId);
  const home = [String(row?.tenant_id), "customers", "name", adasId];
  const envelope = String(row?.name);
  assert.equal(openText(keys, home, envelope), ada.name);
  for (const [part, other] of [
    [1, "users"],
    [2, "note"],
    [3, `${adasId}x`],
  ] as const)
    assert.throws(() => openText(keys, home.with(part, other), envelope), /unable to authenticate/);
  const otherKeks = `1:${Buffer.alloc(32, 7).toString("base64url")}`;
  assert.throws(() => openAll(otherKeks, tables), /unable to authenticate/);
});

let adasId: string;

/** Leaves an envelope in each of the places. */
async function live(): Promise<void> {
  const [tenant] = instance.tenants;
  assert.ok(tenant);
  const { slug, apiKey: key } = tenant;
  const keyline = createClient({ baseUrl: instance.baseUrl, tenant: slug, key, fetch: heldFetch });
  const address = receiver.address();
  assert.ok(typeof address === "object" && address !== null);
  const endpoint = await keyline.webhookEndpoints.create({
    body: { url: `http://localhost:${address.port}/`, eventTypes: ["customer.created"] },
  });
  const params = { webhookEndpointId: endpoint.id };
  await keyline.webhookEndpoints.rotate({ params, body: { overlapHours: 1 } });
  await keyline.ssoConnections.create({
    body: {
      ...{ name: "Own issuer", clientId: "keyline", clientSecret: issuersSecret },
      issuer: `http://localhost:${address.port}`,
    },
  });
  adasId = (await keyline.customers.create({ body: ada })).id;
  await keyline.customerDietary.update({ params: { customerId: adasId }, body: diet });
  await keyline.customerDietary.reveal({ params: { customerId: adasId }, body: {} });
  await keyline.customerConsent.give({
    params: { customerId: adasId },
    body: { fields: ["name"], obtained: "in-writing" },
  });
  const tried = async () => (await keyline.webhookEndpoints.deliveries({ params })).data[0]?.tries;
  while (!(await tried())) await new Promise((resolve) => setTimeout(resolve, 100));
}

/** What the databases hold by now, from copies of their files: a reader of the originals could disturb the writers. */
function rowsNow(): Map<string, RawRow[]>[] {
  cpSync(join(instance.home, ".wrangler/state"), copies, { recursive: true });
  return globSync("**/d1/**/*.sqlite", { cwd: copies }).map((path) => tablesIn(join(copies, path)));
}
