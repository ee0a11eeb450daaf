import { expect, vi } from "vitest";
import { secondMs } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { type Membership, membershipEvent, newIssuer, newOrganization } from "#test/outside.ts";
import { newTenant, rowsOf, type TestTenant } from "#test/world.ts";

const { call, send } = clientOf();

/** One for all the tests of a file. */
export const issuer = await newIssuer();

export interface Place {
  readonly tenant: TestTenant;
  readonly organization: string;
  readonly subject: string;
}

export async function newPlace(kind?: "cafe" | "signs"): Promise<Place> {
  const tenant = await newTenant(kind);
  const organization = await newOrganization(issuer, tenant);
  return { tenant, organization, subject: `user_${newId("x").slice(2)}` };
}

export async function deliver(
  event: object,
  { id, env }: { id?: string; env?: TestEnv } = {},
): Promise<Answer> {
  const { body, headers } = await issuer.message(event, id === undefined ? {} : { id });
  return await post(issuer.name, body, headers, env);
}

export async function tell(
  verb: "created" | "updated" | "deleted",
  { organization, subject }: Place,
  changes: Partial<Membership> = {},
  env: TestEnv = issuer.env(),
): Promise<Answer> {
  const answer = await deliver(membershipEvent(verb, { organization, subject, ...changes }), { env });
  expect(answer.status, answer.text).toBe(204);
  return answer;
}

export function post(
  name: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  env: TestEnv = issuer.env(),
): Promise<Answer> {
  const url = `https://api.keyline.example/issuers/${name}/webhooks`;
  return send(new Request(url, { method: "POST", headers, body }), env);
}

export function tokenOf({ organization, subject }: Place, role: string): Promise<string> {
  return issuer.token({ organization, subject, role });
}

/** A second later, when an isolate has forgotten whom it refused. */
export function afterRefusal(): void {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(Date.now() + secondMs);
}

/** An isolate that has looked nobody up yet. */
export function fresh(): TestEnv {
  const { DIRECTORY } = testEnv();
  return issuer.env({ DIRECTORY: new Proxy(DIRECTORY, { get: (database, name) => bound(database, name) }) });
}

function bound(database: D1Database, name: string | symbol): unknown {
  const value: unknown = Reflect.get(database, name, database);
  return typeof value === "function" ? value.bind(database) : value;
}

function ask(name: string, { tenant }: Place, as: string, env: TestEnv, body?: object): Promise<Answer> {
  return call(name, { tenant: tenant.slug, as, env, ...(body ? { body } : {}) });
}

export function ping(place: Place, as: string, env: TestEnv = issuer.env()): Promise<Answer> {
  return ask("tenants.ping", place, as, env);
}

export function readTenant(place: Place, as: string, env: TestEnv = issuer.env()): Promise<Answer> {
  return ask("tenants.get", place, as, env);
}

export function listOrders(place: Place, as: string, env: TestEnv = issuer.env()): Promise<Answer> {
  return ask("orders.list", place, as, env);
}

export function addCustomer(place: Place, as: string, env: TestEnv = issuer.env()): Promise<Answer> {
  return ask("customers.create", place, as, env, { name: "One More" });
}

/** The members that the issuer made. */
export function membersOf({ tenant }: Place) {
  return rowsOf<{ id: string; role: string; state: string }>(
    tenant.cell.database,
    "select id, role, role_id, state, all_locations from members where tenant_id = ? and id in (select member_id from outside_members where tenant_id = ? and follows_issuer = 1) order by id",
    tenant.tenantId,
    tenant.tenantId,
  );
}
