import { z } from "zod";
import { type AnyOperation, namedOperations } from "#http/registry.ts";
import { dispatchEvents } from "#jobs/dispatch-events.ts";
import { dayMs, timestamp } from "#lib/time.ts";
import { utf8 } from "#lib/utf8.ts";
import { newId } from "#platform/ids.ts";
import { registry } from "#resources/index.ts";
import { accountExamples } from "#test/account-examples.ts";
import { alertExamples } from "#test/alert-examples.ts";
import { logAll } from "#test/audit-log.ts";
import { type Call, clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { federationExamples } from "#test/federation-examples.ts";
import { fileExamples } from "#test/file-examples.ts";
import { invitationExamples } from "#test/invitation-examples.ts";
import { membershipMessage } from "#test/matrix-message.ts";
import { memberExamples } from "#test/member-examples.ts";
import { makeRoomForClients, oauthExamples, withClientConsent } from "#test/oauth-examples.ts";
import { postmarkAuthorization } from "#test/postmark-server.ts";
import { openSandbox } from "#test/sandbox.ts";
import { ssoExamples } from "#test/sso-examples.ts";
import { supportExamples } from "#test/support-examples.ts";
import { rowsOf, type TestTenant } from "#test/world.ts";

type Input = Pick<Call, "as" | "params" | "query" | "body" | "bytes" | "headers">;

/** One valid call of an operation, and which of its ids a hostile caller would swap. Ids in params are all of them. */
export interface Example {
  /** By hand, so that a wrong `can` in the code shows: its capability, or whose call it answers. */
  readonly needs: string | "any principal" | "the user" | "nobody";
  /** JSON pointers of ids in the body that must be of this tenant. */
  readonly bodyIds?: readonly string[];
  /** Query parameters that filter by an id. */
  readonly queryIds?: readonly string[];
  /** Makes what the call is about, so that every call succeeds and none disturbs another. */
  make(tenant: TestTenant): Input | Promise<Input>;
}

const { call } = clientOf();

const line = { description: "Banner, printed", quantityThousandths: 2000, unitPrice: 4500 };

/** By operation. Every call reaches what the roles reach that are limited: the first location, the installer's work. */
const examples: Readonly<Record<string, Example>> = {
  ...accountExamples,
  ...federationExamples,
  ...oauthExamples,
  ...ssoExamples,
  ...supportExamples,
  "access-advice.get": {
    needs: "security:read",
    make: ({ memberIds }) => ({ params: { principalId: memberIds.sales } }),
  },
  ...alertExamples,
  "api-calls.list": {
    needs: "api-calls:read",
    queryIds: ["actorId"],
    make: ({ memberIds }) => ({ query: { limit: "5", actorId: memberIds.owner } }),
  },
  "api-calls.usage": {
    needs: "api-calls:read",
    queryIds: ["actorId"],
    make: ({ memberIds }) => ({ query: { limit: "5", actorId: memberIds.owner } }),
  },
  "api-keys.list": { needs: "api-keys:read", make: () => ({ query: { limit: "5" } }) },
  "api-keys.create": {
    needs: "api-keys:write",
    bodyIds: ["/locationIds/0"],
    make: ({ locationIds }) => ({
      body: { name: "Till", scopes: ["api-keys:write"], locationIds: [locationIds[0]] },
    }),
  },
  "api-keys.get": {
    needs: "api-keys:read",
    make: async (tenant) => ({ params: { apiKeyId: await newKey(tenant) } }),
  },
  "api-keys.reportLeak": {
    needs: "api-keys:write",
    make: async (tenant) => ({ params: { apiKeyId: await newKey(tenant) } }),
  },
  "api-keys.leakedKey": {
    needs: "nobody",
    async make(tenant) {
      const { key } = await made(tenant, "api-keys.create", {
        body: { name: "Lost", scopes: ["orders:read"] },
      });
      return { bytes: utf8(`key=${key}`), headers: { "Content-Type": "application/x-www-form-urlencoded" } };
    },
  },
  "api-keys.rotate": {
    needs: "api-keys:write",
    async make(tenant) {
      const terms = { scopes: ["api-keys:write"], locationIds: [tenant.locationIds[0]] };
      const { id } = await made(tenant, "api-keys.create", { body: { name: "Kiosk", ...terms } });
      return { params: { apiKeyId: id }, body: { overlapSeconds: 3600 } };
    },
  },
  "api-keys.revoke": {
    needs: "api-keys:write",
    make: async (tenant) => ({ params: { apiKeyId: await newKey(tenant) } }),
  },
  "api-keys.limit": { needs: "api-keys:read", make: withLimit },
  "api-keys.setLimit": {
    needs: "api-keys:write",
    make: async (tenant) => ({ ...(await withLimit(tenant)), body: keyLimit() }),
  },
  "api-keys.removeLimit": { needs: "api-keys:write", make: withLimit },
  "audit.list": {
    needs: "audit:read",
    queryIds: ["actorId", "entityId"],
    make: ({ orderId }) => ({ query: { limit: "5", entityId: orderId } }),
  },
  "audit.proof": { needs: "audit:read", make: withAuditRow },
  "audit.checkpoint": {
    needs: "audit:read",
    async make(tenant) {
      await logAll(tenant);
      return {};
    },
  },
  "audit.checkpoints": { needs: "audit:read", make: () => ({ query: { limit: "5" } }) },
  "audit.consistency": {
    needs: "audit:read",
    async make(tenant) {
      await logAll(tenant);
      return { query: { earlier: "1", size: "2" } };
    },
  },
  "audit.leaves": {
    needs: "audit:read",
    async make(tenant) {
      await logAll(tenant);
      return { query: { limit: "5" } };
    },
  },
  "audit.sinks": { needs: "audit:read", make: () => ({}) },
  "audit.keys": { needs: "nobody", make: () => ({}) },
  "customer-consent.get": { needs: "customers:consent", make: withConsent },
  "customer-consent.give": {
    needs: "customers:consent",
    make: async (tenant) => ({
      ...(await withConsent(tenant)),
      body: { fields: ["name"], obtained: "online" },
    }),
  },
  "customer-consent.withdraw": { needs: "customers:consent", make: withConsent },
  "customer-consent.sharedProfiles": { needs: "customers:consent", make: withConsent },
  "customer-dietary.update": {
    needs: "customers:sensitive",
    make: async (tenant) => ({ ...(await withDiet(tenant)), body: { allergens: ["milk"], needs: null } }),
  },
  "customer-dietary.remove": { needs: "customers:sensitive", make: withDiet },
  "customer-dietary.reveal": {
    needs: "customers:sensitive",
    make: async (tenant) => ({ ...(await withDiet(tenant)), body: { reason: "service" } }),
  },
  "customers.list": { needs: "customers:read", make: () => ({ query: { limit: "5" } }) },
  "customers.get": { needs: "customers:read", make: withCustomer },
  "customers.search": { needs: "customers:read", make: () => ({ body: { name: "a" } }) },
  "customers.create": {
    needs: "customers:write",
    make: () => ({ body: { name: "Grace Hopper", email: "grace@example.com", note: "Calls ahead." } }),
  },
  "customers.update": {
    needs: "customers:write",
    make: async (tenant) => ({ ...(await withCustomer(tenant)), body: { phone: "+44 20 7946 0958" } }),
  },
  "customers.remove": { needs: "customers:write", make: withCustomer },
  "customers.restore": {
    needs: "customers:write",
    async make(tenant) {
      const input = await withCustomer(tenant);
      await made(tenant, "customers.remove", input);
      return input;
    },
  },
  ...fileExamples(made, newOrderAt),
  "locations.list": { needs: "locations:read", make: () => ({ query: { limit: "5" } }) },
  "locations.get": {
    needs: "locations:read",
    make: ({ locationIds }) => ({ params: { locationId: locationIds[0] } }),
  },
  "locations.create": {
    needs: "locations:write",
    make: () => ({ body: { name: "Pier", timezone: "Europe/London" } }),
  },
  "locations.update": {
    needs: "locations:write",
    make: ({ locationIds }) => ({ params: { locationId: locationIds[0] }, body: { name: "Quay" } }),
  },
  "locations.remove": {
    needs: "locations:write",
    make: async (tenant) => ({ params: { locationId: await newLocation(tenant) } }),
  },
  "mail.mailbox": { needs: "nobody", make: () => ({}) },
  "mail.postmark": { needs: "nobody", make: postmarkMessage },
  "ip-allow-list.get": { needs: "security:read", make: () => ({}) },
  "ip-allow-list.update": { needs: "security:write", make: () => ({ body: { networks: [] } }) },
  ...invitationExamples,
  "sandbox.open": {
    needs: "tenant:delete",
    async make(tenant) {
      await openSandbox(tenant);
      return {};
    },
  },
  ...memberExamples,
  "orders.list": {
    needs: "orders:read",
    queryIds: ["customerId", "locationId"],
    make: ({ locationIds }) => ({ query: { limit: "5", locationId: locationIds[0] } }),
  },
  "orders.get": { needs: "orders:read", make: withOrder("draft") },
  "orders.create": {
    needs: "orders:write",
    bodyIds: ["/customerId", "/locationId", "/assigneeId"],
    make: (tenant) => ({ body: newOrder(tenant) }),
  },
  "orders.update": {
    needs: "orders:write",
    bodyIds: ["/assigneeId"],
    make: async (tenant) => ({
      ...(await withOrder("draft")(tenant)),
      body: { assigneeId: tenant.memberIds.installer, lines: [line] },
    }),
  },
  "orders.place": { needs: "orders:write", make: withOrder("draft") },
  "orders.start": { needs: "orders:write", make: withOrder("place") },
  "orders.finish": { needs: "orders:write", make: withOrder("start") },
  "orders.complete": { needs: "orders:write", make: withOrder("finish") },
  "orders.cancel": { needs: "orders:write", make: withOrder("place") },
  "outside-issuers.receive": { needs: "nobody", make: membershipMessage },
  "security-policy.get": { needs: "security:read", make: () => ({}) },
  "security-policy.update": {
    needs: "security:write",
    // Nobody else's calls are to be refused by it.
    make: () => ({ body: { secondFactor: "off" } }),
  },
  "settings.get": { needs: "settings:read", make: () => ({}) },
  "settings.update": { needs: "settings:write", make: () => ({ body: { currency: "GBP" } }) },
  "tenants.get": { needs: "tenant:read", make: () => ({}) },
  "tenants.ping": { needs: "any principal", make: () => ({}) },
  "docs.openApi31": { needs: "nobody", make: () => ({}) },
  "docs.openApi30": { needs: "nobody", make: () => ({}) },
  "docs.guide": { needs: "nobody", make: () => ({}) },
  "docs.page": { needs: "nobody", make: () => ({ params: { page: "orders" } }) },
  "docs.style": { needs: "nobody", make: () => ({}) },
  "docs.script": { needs: "nobody", make: () => ({}) },
  "docs.securityTxt": { needs: "nobody", make: () => ({}) },
  "docs.securityPolicy": { needs: "nobody", make: () => ({}) },
  "events.list": { needs: "events:read", make: () => ({ query: { after: "0", limit: "5" } }) },
  "oauth-clients.list": { needs: "integrations:manage", make: () => ({ query: { limit: "5" } }) },
  "oauth-clients.get": { needs: "integrations:manage", make: withClient },
  "oauth-clients.create": {
    needs: "integrations:manage",
    async make(tenant) {
      await makeRoomForClients(tenant);
      return { body: newClient };
    },
  },
  "oauth-clients.update": {
    needs: "integrations:manage",
    make: async (tenant) => ({ ...(await withClient(tenant)), body: { name: "Route planner 2" } }),
  },
  "oauth-clients.rotate": { needs: "integrations:manage", make: withClient },
  "oauth-clients.remove": { needs: "integrations:manage", make: withClient },
  "oauth-clients.consents": { needs: "integrations:manage", make: withClient },
  "oauth-clients.revokeConsent": { needs: "integrations:manage", make: withClientConsent },
  "webhook-endpoints.list": { needs: "integrations:manage", make: () => ({ query: { limit: "5" } }) },
  "webhook-endpoints.get": { needs: "integrations:manage", make: withEndpoint },
  "webhook-endpoints.create": {
    needs: "integrations:manage",
    make: async (tenant) => {
      await makeRoom(tenant);
      return { body: newEndpoint };
    },
  },
  "webhook-endpoints.update": {
    needs: "integrations:manage",
    make: async (tenant) => ({
      ...(await withEndpoint(tenant)),
      body: { url: "https://shop.example/moved" },
    }),
  },
  "webhook-endpoints.remove": { needs: "integrations:manage", make: withEndpoint },
  "webhook-endpoints.enable": {
    needs: "integrations:manage",
    async make(tenant) {
      const input = await withEndpoint(tenant);
      await made(tenant, "webhook-endpoints.disable", input);
      return input;
    },
  },
  "webhook-endpoints.disable": { needs: "integrations:manage", make: withEndpoint },
  "webhook-endpoints.rotate": {
    needs: "integrations:manage",
    make: async (tenant) => ({ ...(await withEndpoint(tenant)), body: { overlapHours: 1 } }),
  },
  "webhook-endpoints.test": { needs: "integrations:manage", make: withEndpoint },
  "webhook-endpoints.deliveries": {
    needs: "integrations:manage",
    make: async (tenant) => ({ ...(await withEndpoint(tenant)), query: { limit: "5", state: "pending" } }),
  },
  "webhook-endpoints.delivery": { needs: "integrations:manage", make: withDelivery },
  "webhook-endpoints.replay": {
    needs: "integrations:manage",
    bodyIds: ["/deliveryId"],
    async make(tenant) {
      const { webhookEndpointId, deliveryId } = (await withDelivery(tenant)).params;
      return { params: { webhookEndpointId }, body: { deliveryId } };
    },
  },
  "system.alive": { needs: "nobody", make: () => ({}) },
  "system.ready": { needs: "nobody", make: () => ({}) },
  "system.jwks": { needs: "nobody", make: () => ({}) },
  "system.problem": { needs: "nobody", make: () => ({ params: { type: "not-found" } }) },
};

export const operations = namedOperations(registry);

/** Those that ask for credentials of a tenant. */
export const tenantOperations = operations.flatMap(({ name, operation }) =>
  operation.mount === "tenant" ? [{ name, operation }] : [],
);

/** The operations that lack an example, and the examples of no operation. */
export function examplesAmiss(
  named: readonly { name: string; operation: AnyOperation }[] = operations,
): string[] {
  const names = named.map(({ name }) => name);
  return [
    ...names
      .filter((name) => !Object.hasOwn(examples, name))
      .map((name) => `${name} is never tried: add an example for ${name} to test/examples.ts`),
    ...Object.keys(examples)
      .filter((name) => !names.includes(name))
      .map((name) => `${name} is no operation any more: remove its example from test/examples.ts`),
  ];
}

export function exampleOf(name: string): Example {
  const example = examples[name];
  if (!example) throw new Error(`add an example for ${name} to test/examples.ts`);
  return example;
}

export const orderStages = ["draft", "place", "start", "finish"] as const;

/** An order at the first location, assigned to the installer unless told, after these transitions. */
export async function newOrderAt(
  tenant: TestTenant,
  stage: (typeof orderStages)[number] = "draft",
  changes: object = {},
): Promise<string> {
  const order = await made(tenant, "orders.create", { body: { ...newOrder(tenant), ...changes } });
  for (const verb of orderStages.slice(1, orderStages.indexOf(stage) + 1))
    await made(tenant, `orders.${verb}`, { params: { orderId: order.id } });
  return order.id;
}

/** A well-formed id of the same kind that nobody has. */
export function absentLike(id: string): string {
  return newId(id.replace(/_.*$/, ""));
}

/** The places of a shape that hold an id, by its form or by its name, as JSON pointers. */
export function idsIn(shape: z.ZodType | undefined): string[] {
  if (!shape) return [];
  const schema = z.toJSONSchema(shape, { io: "input", unrepresentable: "any" });
  const places = placesOf(schema, "", "", schema.$defs ?? {});
  return [...new Set(places)];
}

/** Ids that others give, of nothing here. By hand: what an issuer knows us by. */
const ofOthers = ["clientId"];

function placesOf(schema: unknown, key: string, place: string, named: Record<string, unknown>): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const { properties, items, anyOf, oneOf, pattern, type, $ref } = schema as Record<string, unknown>;
  if (typeof $ref === "string") return placesOf(named[$ref.replace("#/$defs/", "")], key, place, named);
  const isNamedSo = /Ids?$/.test(key) && !ofOthers.includes(key);
  const isId = /^\^[a-z]{3}_/.test(String(pattern)) || isNamedSo;
  if (isId && type === "string") return [place];
  return [
    ...Object.entries(properties ?? {}).flatMap(([name, each]) =>
      placesOf(each, name, `${place}/${name}`, named),
    ),
    ...placesOf(items, key, `${place}/0`, named),
    ...[anyOf, oneOf].flatMap((each) =>
      Array.isArray(each) ? each.flatMap((one) => placesOf(one, key, place, named)) : [],
    ),
  ];
}

function newOrder({ customerIds, locationIds, memberIds }: TestTenant) {
  return {
    customerId: customerIds[0],
    locationId: locationIds[0],
    assigneeId: memberIds.installer,
    lines: [line],
  };
}

function withOrder(stage: (typeof orderStages)[number]) {
  return async (tenant: TestTenant): Promise<Input & { params: { orderId: string } }> => ({
    params: { orderId: await newOrderAt(tenant, stage) },
  });
}

async function withCustomer(tenant: TestTenant): Promise<Input> {
  const { id } = await made(tenant, "customers.create", { body: { name: "Alan Turing" } });
  return { params: { customerId: id } };
}

async function withAuditRow(tenant: TestTenant): Promise<Input> {
  await logAll(tenant);
  const [row] = await rowsOf<{ id: string }>(
    tenant.cell.database,
    "select id from audit_log where tenant_id = ? and entity_id = ? order by seq limit 1",
    tenant.tenantId,
    tenant.orderId,
  );
  return { params: { auditId: String(row?.id) } };
}

async function withDiet(tenant: TestTenant): Promise<Input> {
  const input = await withCustomer(tenant);
  await made(tenant, "customer-dietary.update", { ...input, body: { allergens: ["nuts"], needs: "Vegan." } });
  return input;
}

async function withConsent(tenant: TestTenant): Promise<Input> {
  const email = `${newId("x")}@example.com`;
  const { id } = await made(tenant, "customers.create", { body: { name: "Ada Byron", email } });
  const input = { params: { customerId: id } };
  const body = { fields: ["name", "email", "phone"], obtained: "in-person" };
  await made(tenant, "customer-consent.give", { ...input, body });
  return input;
}

/** Sent tests of its own alone: who may make an endpoint may read these, and no other example causes any. */
const newClient = {
  name: "Route planner",
  type: "confidential",
  redirectUris: ["https://planner.example/callback"],
  grantTypes: ["authorization_code", "refresh_token", "client_credentials"],
  scopes: ["integrations:manage"],
};

async function withClient(tenant: TestTenant): Promise<Input & { params: { oauthClientId: string } }> {
  await makeRoomForClients(tenant);
  return { params: { oauthClientId: (await made(tenant, "oauth-clients.create", { body: newClient })).id } };
}

const newEndpoint = { url: "https://shop.example/hooks", eventTypes: ["webhook_endpoint.tested"] };

async function withEndpoint(tenant: TestTenant): Promise<Input & { params: { webhookEndpointId: string } }> {
  await makeRoom(tenant);
  const { id } = await made(tenant, "webhook-endpoints.create", { body: newEndpoint });
  return { params: { webhookEndpointId: id } };
}

async function withDelivery(
  tenant: TestTenant,
): Promise<Input & { params: { webhookEndpointId: string; deliveryId: string } }> {
  const { params } = await withEndpoint(tenant);
  await made(tenant, "webhook-endpoints.test", { params });
  for (;;) {
    await dispatchEvents(testEnv(), tenant.cell, tenant.tenantId, Date.now());
    const { data } = await made(tenant, "webhook-endpoints.deliveries", { params });
    const [first] = data ?? [];
    if (first) return { params: { ...params, deliveryId: first.id } };
  }
}

function postmarkMessage(): Input {
  return {
    headers: { Authorization: postmarkAuthorization },
    body: { RecordType: "Bounce", Type: "HardBounce", Email: `${newId("x")}@example.com`, Inactive: true },
  };
}

// A tenant has fifty at most, and the tests make more than that.
async function makeRoom({ cell, tenantId }: TestTenant): Promise<void> {
  await rowsOf(
    cell.database,
    "delete from webhook_endpoints where tenant_id = ?1 and id not in (select id from webhook_endpoints where tenant_id = ?1 order by id desc limit 20)",
    tenantId,
  );
}

async function newLocation(tenant: TestTenant): Promise<string> {
  return (await made(tenant, "locations.create", { body: { name: "Popup", timezone: "UTC" } })).id;
}

async function newKey(tenant: TestTenant): Promise<string> {
  return (await made(tenant, "api-keys.create", { body: { name: "Kiosk", scopes: ["orders:read"] } })).id;
}

async function withLimit(tenant: TestTenant): Promise<Input> {
  const params = { apiKeyId: await newKey(tenant) };
  await made(tenant, "api-keys.setLimit", { params, body: keyLimit() });
  return { params };
}

function keyLimit() {
  const expiresAt = timestamp(Date.now() + dayMs);
  return { perMinute: 60, burst: 5, reason: "An import that must not crowd out the till.", expiresAt };
}

async function made(
  tenant: TestTenant,
  name: string,
  input: Input,
): Promise<{ id: string; key?: string; data?: { id: string }[] }> {
  const answer = await call(name, { tenant: tenant.slug, as: tenant.key, ...input });
  if (answer.status >= 300) throw new Error(`An example's ${name} was answered ${answer.text}`);
  return answer.json;
}
