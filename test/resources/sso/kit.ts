import { newId } from "#platform/ids.ts";
import { type Call, clientOf } from "#test/client.ts";
import { as, rowsOf, type TestTenant } from "#test/world.ts";
import { zoneHost } from "#test/zone-server.ts";

export const { call } = clientOf();

export const newConnectionBody = {
  name: "Harbour's own",
  issuer: "https://login.example",
  clientId: "keyline",
  clientSecret: "4Qh8-what-the-issuer-gave-2mVx",
};

export interface TestDomain {
  readonly id: string;
  readonly connectionId: string;
  readonly domain: string;
  readonly state: string;
  readonly recordName: string;
  readonly recordValue: string;
  readonly version: number;
}

/** A domain that no other test has. */
export function newName(): string {
  return `${newId("x").slice(-16)}.example`;
}

export async function newConnection(tenant: TestTenant, changes: object = {}): Promise<{ id: string }> {
  const body = { ...newConnectionBody, ...changes };
  return await made(tenant, "sso-connections.create", { body });
}

export async function newDomain(tenant: TestTenant, domain = newName()): Promise<TestDomain> {
  const { id: connectionId } = await newConnection(tenant);
  return await listed(tenant, connectionId, domain);
}

export async function listed(tenant: TestTenant, connectionId: string, domain: string): Promise<TestDomain> {
  return await made(tenant, "sso-domains.create", { body: { domain, connectionId } });
}

/** One whose record DNS has. */
export async function newProvenDomain(tenant: TestTenant, domain = newName()): Promise<TestDomain> {
  const found = await newDomain(tenant, domain);
  await setTxt(found.recordName, found.recordValue);
  return found;
}

export async function newVerifiedDomain(tenant: TestTenant, domain = newName()): Promise<TestDomain> {
  const { id } = await newProvenDomain(tenant, domain);
  return await made(tenant, "sso-domains.verify", { params: { domainId: id } });
}

export async function setTxt(name: string, ...texts: readonly string[]): Promise<void> {
  const url = `https://${zoneHost}/?name=${encodeURIComponent(name)}`;
  const { status } = await fetch(url, { method: "PUT", body: JSON.stringify(texts) });
  if (status !== 204) throw new Error(`The zone answered ${status}.`);
}

/** Which tenant speaks for a domain, as the directory has it. */
export async function claimsOf(directory: D1Database, domain: string) {
  return await rowsOf<{ id: string; owner_id: string; connection_id: string; state: string }>(
    directory,
    "select id, owner_id, connection_id, state from sso_domain_claims where domain = ? order by id",
    domain,
  );
}

async function made(tenant: TestTenant, name: string, input: Call) {
  const answer = await call(name, { ...as(tenant), ...input });
  if (answer.status >= 300) throw new Error(`${name} was answered ${answer.text}`);
  return answer.json;
}
