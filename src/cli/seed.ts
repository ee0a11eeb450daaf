import { eq } from "drizzle-orm";
import { mintApiKey } from "#crypto/api-key.ts";
import { assigned, type Change, emit, insert, insertAll, update } from "#db/changes.ts";
import { openDirectory } from "#db/directory.ts";
import { directoryTenants, memberships, users } from "#db/directory-tables.ts";
import { foundOwner } from "#db/found-tenant.ts";
import { systemSession } from "#db/open-tenant.ts";
import { many } from "#db/queries.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import type { Row } from "#db/tenant-table.ts";
import { type CapabilityMask, maskOf } from "#gate/capabilities.ts";
import { directoryKeys } from "#gate/directory-keys.ts";
import { keyLimits } from "#gate/key-limits.ts";
import { outsideMembers, outsideOrganizations } from "#gate/outside-tables.ts";
import { roles as fixedRoles, type Role } from "#gate/roles.ts";
import { apiKeyLocations, apiKeys, locations, members, tenants } from "#gate/tables.ts";
import { dayMs, timestamp } from "#lib/time.ts";
import { type Cell, cellOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { customers } from "#resources/customers/table.ts";
import { files } from "#resources/files/table.ts";
import { lineTotal, orderTotal } from "#resources/orders/rules.ts";
import { orderLines, orders } from "#resources/orders/table.ts";
import { oldAlert } from "./seed-alert.ts";
import { type Artwork, artworkRows, storeArtwork } from "./seed-file.ts";
import { outsideIndex, outsideRows } from "./seed-outside.ts";
import { aboutPerson, demoUser } from "./seed-person.ts";
import { staffRows } from "./seed-staff.ts";
import { sleepingEndpoint } from "./seed-webhook.ts";

/** A demo business: what it is, and people and work that its kind would have. */
export interface Business {
  readonly slug: string;
  readonly name: string;
  readonly trade: string;
  readonly cell: string;
  readonly plan: "free" | "pro" | "enterprise";
  readonly currency: string;
  readonly timezone: string;
  readonly places: readonly [string, string];
  readonly people: readonly { name: string; email: string; phone: string; note: string }[];
  /** Of the first of the people. */
  readonly diet: { readonly allergens: readonly string[]; readonly needs: string };
  readonly work: readonly {
    description: string;
    quantityThousandths: number;
    unitPrice: number;
    taxBasisPoints: number;
  }[];
}

/** What a seeded tenant consists of, for those who work with it. */
export interface Seeded {
  readonly tenantId: string;
  readonly cell: Cell;
  readonly locationIds: readonly [string, string];
  readonly memberIds: Readonly<Record<Role, string>>;
  readonly customerIds: readonly string[];
  /** At the first location, the installer's. */
  readonly orderId: string;
  /** Of that order. */
  readonly fileId: string;
}

/**
 * Founds a tenant with at least one row of every kind and a member of each role. May be run again after it died
 * anywhere: the slug is claimed first, all of the cell's rows are one commit, and the claim is confirmed last.
 * @returns null where the tenant was there already
 */
export async function seedTenant(env: Env, business: Business, now: number): Promise<Seeded | null> {
  const directory = await openDirectory(env);
  const claim = await claimed(directory, business, now);
  if (claim.state !== "claimed") return null;
  const cell = cellOf(env, claim.cell);
  if (!cell) throw new Error(`This deployment has no cell ${claim.cell}.`);
  await foundOwner(env, cell.database, claim.id, now);
  const session = await systemSession(env, cell.database, claim.id);
  const there = await session.get(tenants, claim.id);
  if (there === null) {
    const artwork = await storeArtwork(cell, claim.id);
    await committed(session, now, contentOf(business, claim.id, artwork, now));
  }
  const { seeded, people } = await contentIn(session, business, cell, now);
  const confirmed = update(directoryTenants, claim, { state: "active" }, now);
  await committed(directory, now, [...people, confirmed]);
  return seeded;
}

async function committed(session: TenantSession, now: number, changes: readonly Change[]): Promise<void> {
  const { kind } = await commitAsSystem(session, { job: "cli.seed", requestId: newId("run"), now }, changes);
  if (kind !== "committed") throw new Error(`A seed was not committed, but ${kind}.`);
}

/** What a run before may have left in the cell is what the directory has to know of. */
async function contentIn(
  session: TenantSession,
  { slug, name, places, people }: Business,
  cell: Cell,
  now: number,
): Promise<{ seeded: Seeded; people: Change[] }> {
  const all = { limit: 100 };
  const found = await session.read({
    locations: many(locations, all),
    members: many(members, all),
    customers: many(customers, all),
    orders: many(orders, all),
    organizations: many(outsideOrganizations, all),
    outsiders: many(outsideMembers, all),
    files: many(files, all),
  });
  const idOf = (row: { readonly id: string } | undefined) => {
    if (!row) throw new Error(`The seed of ${slug} is not whole.`);
    return row.id;
  };
  const placeId = (place: string) => idOf(found.locations.find((row) => row.name === place));
  const memberId = (role: Role) => idOf(found.members.find((row) => row.role === role));
  return {
    seeded: {
      tenantId: session.tenantId,
      cell,
      locationIds: [placeId(places[0]), placeId(places[1])],
      memberIds: Object.fromEntries(roleNames.map((role) => [role, memberId(role)])) as Record<Role, string>,
      customerIds: people.map(({ email }) => idOf(found.customers.find((row) => row.email === email))),
      orderId: idOf(found.orders[0]),
      fileId: idOf(found.files[0]),
    },
    people: [
      ...found.members.flatMap(({ role, userId }) => [
        insert(users, demoUser(userId, role, { name, slug }, now), now),
        insert(memberships, { id: newId("mem"), userId, memberTenantId: session.tenantId }, now),
      ]),
      ...outsideIndex(slug, session.tenantId, found, now),
    ],
  };
}

/** A key that may do everything; its text exists only here. */
export async function mintDemoKey(
  env: Env,
  cell: Cell,
  tenantId: string,
  creatorId: string,
  now: number,
  scopes: CapabilityMask = maskOf(fixedRoles.owner.capabilities),
) {
  const { newestPepper } = await directoryKeys(env, (keys) => keys.newestPepper !== null);
  if (!newestPepper) throw new Error("The directory has no pepper yet.");
  const session = await systemSession(env, cell.database, tenantId);
  const id = newId("key");
  const { key, secretHash } = await mintApiKey(newestPepper, {
    mode: "live",
    cell: cell.id,
    id: id.replace(/^key_/, ""),
  });
  const row = {
    id,
    name: "Demo key",
    scopes,
    secretHash,
    pepperVersion: newestPepper.version,
    allLocations: 1,
    ipAllowList: "[]",
    allowedOrigins: "[]",
    creatorId,
  };
  await committed(session, now, [insert(apiKeys, row, now)]);
  return { id, key };
}

async function claimed(
  directory: TenantSession,
  business: Business,
  now: number,
): Promise<Row<typeof directoryTenants>> {
  const bySlug = many(directoryTenants, { where: eq(directoryTenants.slug, business.slug), limit: 1 });
  const {
    found: [row],
  } = await directory.read({ found: bySlug });
  if (row) return row;
  const claim = insert(
    directoryTenants,
    { id: newId("ten"), slug: business.slug, cell: business.cell, state: "claimed" },
    now,
  );
  await committed(directory, now, [claim]);
  return claim.row;
}

function contentOf(business: Business, tenantId: string, artwork: Artwork, now: number): Change[] {
  const { slug, name, trade, plan, currency, timezone } = business;
  const here: [string, string] = [newId("loc"), newId("loc")];
  const staff = roleNames.map((role) => ({ role, userId: newId("usr"), memberId: newId("mbr") }));
  const memberIds = Object.fromEntries(staff.map(({ role, memberId }) => [role, memberId])) as Record<
    Role,
    string
  >;
  const customerRows = business.people.map((person) => ({ id: newId("cus"), ...person }));
  const customerId = customerRows[0]?.id ?? "";
  const order = orderOf(business, customerId, here[0], memberIds.installer, now);
  const limitedKey = newId("key");
  return [
    insert(tenants, { id: tenantId, slug, name, trade, plan, currency, timezone, allowedOrigins: "[]" }, now),
    insertAll(
      locations,
      here.map((id, index) => ({ id, name: business.places[index] ?? name, timezone })),
      now,
    ),
    ...staffRows(slug, staff, here[0], now),
    insertAll(customers, customerRows, now),
    ...aboutPerson(business, customerId, now),
    ...order.changes,
    ...artworkRows(artwork, { id: order.id, customerId }, now),
    insert(
      apiKeys,
      {
        id: limitedKey,
        name: "Till at the front desk",
        scopes: maskOf(["orders:read", "customers:read"]),
        secretHash: "none",
        pepperVersion: 1,
        allLocations: 0,
        ipAllowList: "[]",
        allowedOrigins: "[]",
        creatorId: memberIds.owner,
      },
      now,
    ),
    insert(apiKeyLocations, { id: newId("akl"), apiKeyId: limitedKey, locationId: here[0] }, now),
    ...oldAlert(limitedKey, now),
    insert(
      keyLimits,
      {
        id: newId("kli"),
        apiKeyId: limitedKey,
        perMinute: 60,
        burst: 5,
        reason: "A till asks for no more.",
        expiresAt: timestamp(now + 30 * dayMs),
        creatorId: memberIds.owner,
      },
      now,
    ),
    sleepingEndpoint(slug, memberIds.owner, now),
    ...outsideRows(slug, memberIds.owner, now),
    emit("tenant.created", { tenantId }, { table: tenants, row: {} }),
  ];
}

const roleNames = Object.keys(fixedRoles) as Role[];

function orderOf(
  business: Business,
  customerId: string,
  locationId: string,
  assigneeId: string | null,
  now: number,
) {
  const id = newId("ord");
  const lines = business.work.map((terms, position) => ({
    id: newId("oln"),
    orderId: id,
    position,
    ...terms,
    ...lineTotal(terms),
  }));
  const number = assigned("order");
  const order = insert(
    orders,
    {
      id,
      number,
      locationId,
      customerId,
      assigneeId,
      status: "draft",
      currency: business.currency,
      ...orderTotal(lines),
    },
    now,
  );
  return { id, changes: [order, insertAll(orderLines, lines, now)] };
}
