import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { businesses } from "#cli/businesses.ts";
import { mintDemoKey, seedTenant } from "#cli/seed.ts";
import { insert, note } from "#db/changes.ts";
import { openDirectory } from "#db/directory.ts";
import { keyPeppers, outsideIdentities, signingKeys } from "#db/directory-tables.ts";
import { systemSession } from "#db/open-tenant.ts";
import { many } from "#db/queries.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { noCapabilities } from "#gate/capabilities.ts";
import { ssoConnections } from "#gate/sso-tables.ts";
import { members } from "#gate/tables.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { tilePath, tileWidth } from "#lib/tlog-tiles.ts";
import { newId } from "#platform/ids.ts";
import { bundle, deploy } from "#test/bench/deployment.ts";
import { failToSignIn, writePeople } from "./raw-people.ts";
import { supportVisit } from "./raw-support.ts";
import { sealedValues } from "./sealed-values.ts";
import { spellings } from "./spellings.ts";

// Reads the raw files that D1, Durable Objects, queues and R2 leave behind, when personal data was written and changed,
// when it was deleted as customers are, which keeps the row, and when a row was deleted indeed: none of it may stand
// there in the clear, and no key or secret either. What is looked for is held to the registry: see sealed-values.

const canary = (what: string) => `Canary${what}${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}`;
const statePath = await mkdtemp(join(tmpdir(), "keyline-raw-"));
const deployment = await deploy(await bundle(), { statePath });
const env = await deployment.env();
const now = Date.now();

const person = {
  name: canary("Name"),
  email: `${canary("Mail")}@example.org`.toLowerCase(),
  phone: "+351912873465",
  note: canary("Note"),
};
const changed = { name: canary("Renamed"), note: canary("Renoted") };
const gone = {
  name: canary("Gone"),
  email: `${canary("Left")}@example.org`.toLowerCase(),
  note: canary("Past"),
};
const diet = { allergens: [canary("Allergen")], needs: canary("Need") };
const changedDiet = { allergens: [canary("Reallergen")] };
const subject = canary("Subject");
const keyName = canary("Key");
const invited = `${canary("Guest")}@example.org`.toLowerCase();
const fileName = canary("File");
const newFileName = canary("Refiled");
const userAgent = canary("Agent");
const address = "2001:db8:c0ff:ee00:1ea5:d06:fa11:9a5e";
const inTheClear = canary("Line");

await ensureDirectoryKeys(env, now);
const business = { ...businesses[0], name: canary("Business") };
const tenant = await seedTenant(env, { ...business, people: businesses[0].people }, now);
if (!tenant) throw new Error("The new state held a tenant already.");
const { key } = await mintDemoKey(env, tenant.cell, tenant.tenantId, tenant.memberIds.owner, now);

const customer = await ask("POST", "/customers", person);
await ask("PATCH", `/customers/${customer.id}`, changed);
await ask("PATCH", `/customers/${customer.id}/dietary`, diet);
await ask("PATCH", `/customers/${customer.id}/dietary`, changedDiet);
await ask("POST", `/customers/${customer.id}/dietary/reveal`, { reason: "service" });
const passing = await ask("POST", "/customers", gone);
const lines = [{ description: inTheClear, quantityThousandths: 1000, unitPrice: 100 }];
await ask("POST", "/orders", { customerId: customer.id, locationId: tenant.locationIds[0], lines });
const content = { mediaType: "application/octet-stream", customerId: customer.id };
const file = await ask("POST", "/files", { ...content, name: fileName });
await ask("PATCH", `/files/${file.id}`, { name: newFileName });
await ask("PUT", `/files/${file.id}/content`, Buffer.from("any bytes"));
const created = await ask("POST", "/api-keys", { name: keyName, scopes: ["orders:read"] });
await ask("POST", "/invitations", { email: invited, role: "staff", allLocations: true });
await ask("POST", "/oauth-clients", {
  name: canary("Program"),
  type: "public",
  redirectUris: ["https://planner.example/callback"],
  grantTypes: ["authorization_code"],
  scopes: ["orders:read"],
});
await ask("POST", "/customers/search", { email: person.email });
const directory = await openDirectory(env);
const identity = { id: newId("usr"), issuer: "clerk", subject, state: "active" as const };
const run = { job: "test.raw-files", requestId: newId("run"), now };
await commitAsSystem(directory, run, [insert(outsideIdentities, identity, now)]);
const typed = await writePeople(directory, deployment.url.origin, canary);
const owner = `owner@${business.slug}.example`;
const tried = await failToSignIn(tenant, owner, deployment.url.origin, canary);
const consented = { fields: ["name", "email"], obtained: "in-person" };
await ask("PUT", `/customers/${customer.id}/consent`, consented);
await ask("POST", `/customers/${customer.id}/shared-profiles`);
const endpoints = await ask("GET", "/webhook-endpoints");
const [endpoint] = endpoints.data as { id: string }[];
await ask("POST", `/webhook-endpoints/${endpoint?.id}/rotate-secret`, { overlapHours: 1 });
const session = await systemSession(env, tenant.cell.database, tenant.tenantId);
// By no request, as that would ask a real resolver where the issuer lies.
const connection = {
  ...{ id: newId("sso"), name: "Own issuer", issuer: "https://login.example", clientId: "keyline" },
  ...{ defaultRole: "staff", allLocations: 0, addsMembers: 0, state: "active" as const },
  clientSecret: canary("Clientsecret"),
};
const colleague = {
  id: newId("mbr"),
  userId: newId("usr"),
  name: canary("Colleague"),
  email: `${canary("Colleaguemail")}@example.org`.toLowerCase(),
  role: "staff",
  grants: noCapabilities,
  denials: noCapabilities,
  state: "active" as const,
  allLocations: 1,
};
// Which brings the key that what they wrote is sealed under.
await session.get(members, tenant.memberIds.owner);
await commitAsSystem(session, run, [
  insert(ssoConnections, connection, now),
  insert(members, colleague, now),
  ...supportVisit(tenant.memberIds.owner, canary, now),
]);
const sealed = await sealedValues({ cell: session, directory });
const auditTiles = await untilTiled();
await untilLogged(tenant.cell.log);
const moments = new Map([["before a deletion", await contents(statePath)]]);
await ask("DELETE", `/customers/${customer.id}`);
moments.set("after a customer's deletion", await contents(statePath));
const { meta } = await tenant.cell.database
  .prepare("delete from customers where tenant_id = ? and id = ?")
  .bind(tenant.tenantId, passing.id)
  .run();
if (meta.changes !== 1) throw new Error("No row was deleted.");

const { peppers, keys } = await directory.read({
  peppers: many(keyPeppers, { limit: 9 }),
  keys: many(signingKeys, { limit: 9 }),
});
const secretOf = (text: string) => text.split("_")[4] ?? "";
const bytesOf = (text: string) => Buffer.from(text, "base64url");
const keyEncryptionKey = deployment.keks.slice(2);
const signing = keys.map((row) => ({ kid: row.kid, d: String(JSON.parse(row.privateJwk).d) }));
const hidden: Record<string, string | Buffer> = {
  ...Object.fromEntries(sealed),
  ...typed,
  ...tried,
  "the customer's name": person.name,
  "the customer's name in lower case": person.name.toLowerCase(),
  "the customer's e-mail": person.email,
  "the customer's phone": person.phone,
  "the customer's note": person.note,
  "the changed name": changed.name,
  "the changed note": changed.note,
  "an allergen": diet.allergens.join(),
  "a dietary need": diet.needs,
  "a changed allergen": changedDiet.allergens.join(),
  "the name of a row that is gone": gone.name,
  "the e-mail of a row that is gone": gone.email,
  "the note of a row that is gone": gone.note,
  "a person's subject at an outside issuer": subject,
  "a seeded customer's name": businesses[0].people[0]?.name ?? "",
  "a seeded customer's e-mail": businesses[0].people[1]?.email ?? "",
  "a user's name": `owner of ${business.name}`,
  "a user's e-mail": owner,
  "the API key's name": keyName,
  "who was invited": invited,
  "a file's name": fileName,
  "a file's changed name": newFileName,
  "the caller's user agent": userAgent,
  "the caller's address": address,
  "the key's secret": secretOf(String(created.key)),
  "the demo key's secret": secretOf(key),
  "the key-encryption key": keyEncryptionKey,
  "the key-encryption key's bytes": bytesOf(keyEncryptionKey),
  ...Object.fromEntries(peppers.map((row) => [`pepper ${row.pepperVersion}`, row.pepper])),
  ...Object.fromEntries(peppers.map((row) => [`pepper ${row.pepperVersion}'s bytes`, bytesOf(row.pepper)])),
  ...Object.fromEntries(signing.map(({ kid, d }) => [`signing key ${kid}`, d])),
  ...Object.fromEntries(signing.map(({ kid, d }) => [`signing key ${kid}'s bytes`, bytesOf(d)])),
};
await deployment.stop();

moments.set("after a row's deletion", await contents(statePath));
const found = [...moments].flatMap(([when, files]) => {
  const secrets = Object.entries(hidden).flatMap(([what, text]) => places(files, what, text));
  if (places(files, "the planted line", inTheClear).length === 0)
    secrets.push("the search does not find what stands there in the clear, so it proves nothing");
  for (const [path, tile] of auditTiles)
    if (![...files.values()].some((bytes) => bytes.equals(tile)))
      secrets.push(`the audit log's ${path} is none of the files that were searched`);
  console.log(`${when}: ${files.size} files, ${secrets.length} found`);
  return secrets.map((place) => `${when}: ${place}`);
});
console.log(`${Object.keys(hidden).length} secrets searched for, ${found.length} found`);
for (const place of found) console.error(place);
await rm(statePath, { recursive: true, force: true });
process.exit(found.length === 0 ? 0 : 1);

function places(files: ReadonlyMap<string, Buffer>, what: string, secret: string | Buffer): string[] {
  if (secret.length < 8) throw new Error(`${what} is too short to search for.`);
  return [...files].flatMap(([path, bytes]) =>
    spellings(secret).flatMap(({ name, bytes: spelled }) =>
      bytes.includes(spelled) ? [`${what} stands in ${path} as ${name}`] : [],
    ),
  );
}

async function contents(folder: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(await Promise.all(paths.map(async (path) => [path, await readFile(path)] as const)));
}

/** More audit rows than a tile has leaves, then the tile and its entries as they lie in the audit log's bucket. */
async function untilTiled(): Promise<Map<string, Buffer>> {
  const rows = Array.from({ length: 100 }, () =>
    note("customer", String(customer.id), { test: "raw-files" }),
  );
  for (let leaves = 0; leaves <= tileWidth; leaves += rows.length) await commitAsSystem(session, run, rows);
  await deployment.runCron();
  const paths = [0, null].map((level) => tilePath({ level, index: 0, width: tileWidth }));
  const tiles = new Map<string, Buffer>();
  for (let tries = 0; tries < 120 && tiles.size < paths.length; tries += 1) {
    for (const path of paths) {
      const object = await tenant?.cell.auditLog.get(`${tenant.tenantId}/${path}`);
      if (object) tiles.set(path, Buffer.from(await object.arrayBuffer()));
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  if (tiles.size < paths.length) throw new Error("The audit's log has no full tile.");
  return tiles;
}

/** The call log's queue takes some seconds; without its rows the search would say nothing of it. */
async function untilLogged(log: D1Database): Promise<void> {
  for (let tries = 0; tries < 60; tries += 1) {
    if ((await log.prepare("select id from calls limit 1").first()) !== null) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error("No call came into the log.");
}

async function ask(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const json = { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() };
  const answer = await fetch(`${deployment.url.origin}/v1/tenants/${business.slug}${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${key}`,
      "User-Agent": userAgent,
      "CF-Connecting-IP": address,
      ...(body && !(body instanceof Uint8Array) ? json : {}),
    },
    ...(body ? { body: body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body) } : {}),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Record<string, unknown>;
}
