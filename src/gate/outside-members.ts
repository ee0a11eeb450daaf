import { sql } from "drizzle-orm";
import { z } from "zod";
import { exactToken } from "#crypto/blind-index.ts";
import {
  directoryTenants,
  outsideIdentities,
  outsideMemberIndex,
  outsideOrganizationClaims,
  platformTenant,
} from "#db/directory-tables.ts";
import type { Query } from "#db/queries.ts";
import { wholeTenant } from "#db/scope.ts";
import { statementOf } from "#db/statement.ts";
import { Store } from "#db/store.ts";
import { TenantSession } from "#db/tenant-db.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import { BoundedCache } from "#lib/bounded-cache.ts";
import { minuteMs, secondMs } from "#lib/time.ts";
import type { Env } from "#platform/env.ts";
import { directoryKeys } from "./directory-keys.ts";

/** Where an outside person in an organization leads: pointers, which the tenant's cell confirms or not. */
export interface Pointer {
  readonly organizationId: string;
  readonly tenantId: string;
  readonly cell: string;
  readonly identityId: string | null;
  /** The issuer has taken the person away for good. */
  readonly hasEnded: boolean;
  readonly indexId: string | null;
  readonly memberId: string | null;
}

export interface OutsidePerson {
  readonly issuer: string;
  readonly organization: string;
  readonly subject: string;
}

const Found = z.object({
  organization_id: z.string(),
  owner_id: z.string(),
  cell: z.string(),
  identity_id: z.string().nullable(),
  state: z.string().nullable(),
  index_id: z.string().nullable(),
  member_id: z.string().nullable(),
});

/** The directory's pointers; null where the organization is linked to no tenant. */
export function pointerQuery({ issuer, organization, subject }: OutsidePerson): Query<Pointer | null> {
  const [claims, tenants] = [outsideOrganizationClaims, directoryTenants];
  const [identities, index] = [outsideIdentities, outsideMemberIndex];
  return {
    async statement({ tenantId, keys }) {
      const token = await exactToken(keys.ring.indexKey(), "subject", subject);
      return statementOf(
        sql`select ${claims.id} as "organization_id", ${claims.ownerId} as "owner_id", ${tenants.cell} as "cell", ${identities.id} as "identity_id", ${identities.state} as "state", ${index.id} as "index_id", ${index.memberId} as "member_id" from ${claims} join ${tenants} on ${tenants.tenantId} = ${tenantId} and ${tenants.id} = ${claims.ownerId} left join ${identities} on ${identities.tenantId} = ${tenantId} and ${identities.issuer} = ${issuer} and ${identities.subjectToken} = ${token} left join ${index} on ${index.tenantId} = ${tenantId} and ${index.organizationId} = ${claims.id} and ${index.identityId} = ${identities.id} where ${claims.tenantId} = ${tenantId} and ${claims.issuer} = ${issuer} and ${claims.organization} = ${organization} and ${claims.state} = 'linked'`,
      );
    },
    async decode(_context, rows) {
      if (!rows[0]) return null;
      const row = Found.parse(rows[0]);
      return {
        organizationId: row.organization_id,
        tenantId: row.owner_id,
        cell: row.cell,
        identityId: row.identity_id,
        hasEnded: row.state === "ended",
        indexId: row.index_id,
        memberId: row.member_id,
      };
    },
  };
}

interface Caches {
  readonly found: BoundedCache<Pointer>;
  readonly absent: BoundedCache<true>;
}

const perDirectory = new WeakMap<object, Caches>();
const foundForMs = minuteMs;
// Short, as who was just made a member shall not wait; apart, so that strangers drive out nobody.
const absentForMs = 10 * secondMs;
const mostFound = 5_000;
const mostAbsent = 1_000;

/**
 * Where this person leads, by one read of the directory, kept for a minute per isolate; that there is no member for ten
 * seconds. Ask for verified claims alone. null where the organization is unknown here, or the person in it.
 */
export async function findOutsideMember(
  env: Env,
  person: OutsidePerson,
  now: number,
): Promise<Pointer | null> {
  const { found, absent } = cachesOf(env);
  const organization = JSON.stringify([person.issuer, person.organization]);
  const member = JSON.stringify([person.issuer, person.organization, person.subject]);
  const known = found.get(member, now);
  if (known) return known;
  if (absent.get(organization, now) || absent.get(member, now)) return null;
  const pointer = await readPointer(env, person);
  if (pointer === null) absent.set(organization, true, now + absentForMs);
  else if (pointer.memberId === null || pointer.hasEnded) absent.set(member, true, now + absentForMs);
  else {
    found.set(member, pointer, now + foundForMs);
    return pointer;
  }
  return null;
}

function cachesOf(env: Env): Caches {
  const known = perDirectory.get(env.DIRECTORY);
  if (known) return known;
  const caches = {
    found: new BoundedCache<Pointer>(mostFound),
    absent: new BoundedCache<true>(mostAbsent),
  };
  perDirectory.set(env.DIRECTORY, caches);
  return caches;
}

// The directory's own ring is at hand, so that the look-up is one round trip.
async function readPointer(env: Env, person: OutsidePerson): Promise<Pointer | null> {
  const { ring } = await directoryKeys(env, () => true);
  const driver = new TenantDriver(new Store(env.DIRECTORY, "first-unconstrained"), platformTenant);
  const keys = { tenantId: platformTenant, ring, subjects: new Map() };
  const session = new TenantSession(driver, { reach: wholeTenant, epoch: null, keys });
  return (await session.read({ pointer: pointerQuery(person) })).pointer;
}
