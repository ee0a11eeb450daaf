import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { CellSystem } from "#db/cell-system.ts";
import { type Statement, statementOf } from "#db/statement.ts";
import { type ResultRows, Store } from "#db/store.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import { storedMask } from "./capabilities.ts";
import { endedFrom, endedLately, mostEnded } from "./ended.ts";
import { endOfKey } from "./key-age.ts";
import { ownLimitFrom, ownLimitRow } from "./key-limits.ts";
import { outsideMembers, outsideOrganizations } from "./outside-tables.ts";
import type { Policy } from "./policy.ts";
import { rightsOf, scopeOf } from "./rights.ts";
import { isElevated } from "./roles.ts";
import { agentOf, placesOfSupport, supportRights, supportRow } from "./support-rights.ts";

/**
 * Reads a principal's rights from its cell's primary, all at one instant.
 * @returns null where there is no such principal, or it was revoked or suspended
 */
export async function hydrate(
  database: D1Database,
  principalId: string,
  tenantId: string | null,
): Promise<Policy | null> {
  const store = new Store(database, "first-primary");
  const owner = tenantId ?? (await new CellSystem(store).tenantOfApiKey(principalId));
  if (owner === null) return null;
  const driver = new TenantDriver(store, owner);
  const { asked, rightsOf } = kindOf(principalId);
  const [state, tenant, tenantKeys, subjectKeys, ...rows] = await driver.execute([
    ...common(owner, principalId),
    ...asked.map((query) => statementOf(query(owner, principalId))),
  ]);
  const shared = parseCommon(state, tenant, tenantKeys, subjectKeys);
  const rights = rightsOf(rows, principalId);
  return shared && rights ? { ...shared, ...rights, tenantId: owner, bookmark: driver.bookmark() } : null;
}

// What is read of each kind of principal, and what follows from it.
function kindOf(principalId: string) {
  if (principalId.startsWith("key_"))
    return { asked: [keyRow, keyPlaces, securityPolicy, ownLimitRow], rightsOf: keyRights };
  if (principalId.startsWith("cli_"))
    return { asked: [clientRow, endedOfClient, securityPolicy], rightsOf: clientRights };
  if (principalId.startsWith("sps_"))
    return { asked: [supportRow, placesOfSupport], rightsOf: supportRights };
  const asked = [memberRow, memberPlaces, outsideRows, endedOfMember, securityPolicy];
  return { asked, rightsOf: memberRights };
}

function common(tenantId: string, principalId: string): Statement[] {
  return [
    sql`select "state", "epoch" from "tenant_state" where "tenant_state"."tenant_id" = ${tenantId}`,
    sql`select "slug", "plan", "currency", "allowed_origins" from "tenants" where "tenants"."tenant_id" = ${tenantId} and "tenants"."id" = ${tenantId}`,
    sql`select "id", "wrapped" from "tenant_keys" where "tenant_keys"."tenant_id" = ${tenantId}`,
    sql`select "id", "wrapped" from "subject_keys" where "subject_keys"."tenant_id" = ${tenantId} and "subject_keys"."subject_id" = ${subjectOf(tenantId, principalId)}`,
  ].map(statementOf);
}

// A support agent's session is theirs.
function subjectOf(tenantId: string, principalId: string): SQL {
  return principalId.startsWith("sps_") ? agentOf(tenantId, principalId) : sql`${principalId}`;
}

const keyRow = (tenantId: string, id: string) =>
  sql`select "scopes", "secret_hash", "all_locations", "ip_allow_list", "allowed_origins", "created_at", "expires_at", "retires_at" from "api_keys" where "api_keys"."tenant_id" = ${tenantId} and "api_keys"."id" = ${id} and "revoked_at" is null`;

const keyPlaces = (tenantId: string, id: string) =>
  sql`select "location_id" from "api_key_locations" where "api_key_locations"."tenant_id" = ${tenantId} and "api_key_locations"."api_key_id" = ${id}`;

const clientRow = (tenantId: string, id: string) =>
  sql`select "scopes", "secret_hash", "grant_types" from "oauth_clients" where "oauth_clients"."tenant_id" = ${tenantId} and "oauth_clients"."id" = ${id} and "deleted_at" is null`;

const memberRow = (tenantId: string, id: string) =>
  sql`select "members"."role", "members"."grants", "members"."denials", "members"."all_locations", "roles"."capabilities", "roles"."scope" from "members" left join "roles" on "roles"."tenant_id" = ${tenantId} and "roles"."id" = "members"."role_id" where "members"."tenant_id" = ${tenantId} and "members"."id" = ${id} and "members"."state" = 'active' and "members"."removed_at" is null`;

const memberPlaces = (tenantId: string, id: string) =>
  sql`select "location_id" from "member_locations" where "member_locations"."tenant_id" = ${tenantId} and "member_locations"."member_id" = ${id}`;

const outsideRows = (tenantId: string, id: string) =>
  sql`select ${outsideMembers.id} as "id" from ${outsideMembers} indexed by "outside_members_by_member" join ${outsideOrganizations} on ${outsideOrganizations.tenantId} = ${tenantId} and ${outsideOrganizations.id} = ${outsideMembers.organizationId} and ${outsideOrganizations.state} = 'linked' where ${outsideMembers.tenantId} = ${tenantId} and ${outsideMembers.memberId} = ${id} and ${outsideMembers.state} = 'active' limit 50`;

const endedOfMember = (tenantId: string, id: string) => endedLately(tenantId, id, mostEnded.member);

const endedOfClient = (tenantId: string, id: string) => endedLately(tenantId, id, mostEnded.client);

const securityPolicy = (tenantId: string) =>
  sql`select "second_factor", "longest_key_age", "longest_key_age_since", "ip_allow_list" from "security_policies" where "security_policies"."tenant_id" = ${tenantId}`;

const jsonStrings = z.string().transform((text) => z.array(z.string()).parse(JSON.parse(text)));
const State = z.object({ state: z.enum(["active", "frozen", "closing"]), epoch: z.int() });
const Tenant = z.object({
  slug: z.string(),
  plan: z.enum(["free", "pro", "enterprise"]),
  currency: z.string(),
  allowed_origins: jsonStrings,
});
const WrappedKeys = z.array(z.object({ id: z.string(), wrapped: z.string() }));
const Ids = z.array(z.object({ id: z.string() }));
const Places = z.array(z.object({ location_id: z.string() }));

function parseCommon(
  state?: ResultRows,
  tenant?: ResultRows,
  tenantKeys?: ResultRows,
  subjectKeys?: ResultRows,
) {
  if (!state?.[0] || !tenant?.[0]) return null;
  const { slug, plan, currency, allowed_origins: origins } = Tenant.parse(tenant[0]);
  return {
    ...State.parse(state[0]),
    slug,
    currency,
    tier: plan,
    ownLimit: null,
    support: null,
    origins,
    tenantKeys: WrappedKeys.parse(tenantKeys),
    subjectKey: WrappedKeys.parse(subjectKeys)[0] ?? null,
  };
}

const Key = z.object({
  scopes: z.string(),
  secret_hash: z.string(),
  all_locations: z.int(),
  ip_allow_list: jsonStrings,
  allowed_origins: jsonStrings,
  created_at: z.string(),
  expires_at: z.string().nullable(),
  retires_at: z.string().nullable(),
});

function keyRights([principal, places, security, limit]: readonly ResultRows[]) {
  if (!principal?.[0]) return null;
  const key = Key.parse(principal[0]);
  const [policy] = SecurityPolicies.parse(security ?? []);
  const times = {
    createdAt: key.created_at,
    expiresAt: key.expires_at,
    retiresAt: key.retires_at,
    longestAge: policy?.longest_key_age ?? null,
    longestAgeSince: policy?.longest_key_age_since ?? null,
  };
  return {
    capabilities: storedMask(key.scopes),
    locations: key.all_locations === 1 ? null : Places.parse(places).map((place) => place.location_id),
    assigneeId: null,
    ipAllowList: key.ip_allow_list,
    tenantIpAllowList: policy?.ip_allow_list ?? [],
    clientOrigins: key.allowed_origins,
    expiresAt: key.expires_at === null ? null : Date.parse(key.expires_at),
    endsAt: endOfKey(times),
    retiresAt: key.retires_at === null ? null : Date.parse(key.retires_at),
    secretHash: key.secret_hash,
    ownLimit: ownLimitFrom(limit),
    grantTypes: null,
    outsideMembers: [],
    endedSessions: [],
    tokensFromMs: null,
    asksForFactor: false,
  };
}

const SecurityPolicies = z.array(
  z.object({
    second_factor: z.enum(["off", "elevated", "everyone"]),
    longest_key_age: z.int().nullable(),
    longest_key_age_since: z.string().nullable(),
    ip_allow_list: jsonStrings,
  }),
);
const Client = z.object({ scopes: z.string(), secret_hash: z.string().nullable(), grant_types: jsonStrings });

function clientRights([principal, ended, security]: readonly ResultRows[]) {
  if (!principal?.[0]) return null;
  const client = Client.parse(principal[0]);
  return {
    capabilities: storedMask(client.scopes),
    locations: null,
    assigneeId: null,
    ipAllowList: [],
    tenantIpAllowList: SecurityPolicies.parse(security ?? [])[0]?.ip_allow_list ?? [],
    clientOrigins: [],
    expiresAt: null,
    endsAt: null,
    retiresAt: null,
    secretHash: client.secret_hash,
    grantTypes: client.grant_types,
    outsideMembers: [],
    ...endedFrom(ended, mostEnded.client),
    asksForFactor: false,
  };
}

const Member = z.object({
  role: z.string(),
  grants: z.string(),
  denials: z.string(),
  all_locations: z.int(),
  capabilities: z.string().nullable(),
  scope: z.enum(["tenant", "assigned"]).nullable(),
});

function memberRights(
  [principal, places, outside, ended, security]: readonly ResultRows[],
  memberId: string,
) {
  if (!principal?.[0]) return null;
  const member = Member.parse(principal[0]);
  const [policy] = SecurityPolicies.parse(security ?? []);
  const asks = policy?.second_factor;
  const { role, scope, capabilities } = member;
  const ownRole =
    capabilities === null || scope === null ? null : { capabilities: storedMask(capabilities), scope };
  const given = { role, ownRole, grants: storedMask(member.grants), denials: storedMask(member.denials) };
  return {
    asksForFactor: asks === "everyone" || (asks === "elevated" && isElevated(role)),
    capabilities: rightsOf(given),
    locations: member.all_locations === 1 ? null : Places.parse(places).map((place) => place.location_id),
    assigneeId: scopeOf(given) === "assigned" ? memberId : null,
    ipAllowList: [],
    tenantIpAllowList: policy?.ip_allow_list ?? [],
    clientOrigins: [],
    expiresAt: null,
    endsAt: null,
    retiresAt: null,
    secretHash: null,
    grantTypes: null,
    outsideMembers: Ids.parse(outside).map(({ id }) => id),
    ...endedFrom(ended, mostEnded.member),
  };
}
