import { beforeAll, expect, test } from "vitest";
import { linkMember } from "#identity/outside/link-member.ts";
import { linkOrganization, unlinkOrganization } from "#identity/outside/organizations.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import {
  deletionEvent,
  membershipEvent,
  newIssuer,
  newOrganization,
  type TestIssuer,
} from "#test/outside.ts";
import { newTenant, rowsOf, type TestTenant, tapped } from "#test/world.ts";

const { call, send } = clientOf();

/** How a Worker dies at a batch: before it reached the database, after it was committed, or not knowing which. */
const deaths = {
  before: () => Promise.reject(new Error("The Worker is gone.")),
  after: async (run: () => Promise<unknown>) => {
    await run();
    throw new Error("The Worker is gone.");
  },
} as const;

let tenant: TestTenant;
let other: TestTenant;

beforeAll(async () => {
  [tenant, other] = [await newTenant(), await newTenant()];
});

/** An issuer of its own for each try, as a tenant has one organization of each. */
interface Place {
  readonly issuer: TestIssuer;
  readonly organization: string;
  readonly subject: string;
}

async function newPlace(): Promise<Place> {
  const issuer = await newIssuer();
  const organization = await newOrganization(issuer, tenant);
  return { issuer, organization, subject: `user_${newId("x").slice(2)}` };
}

const joined = (place: Place) => deliver(place, membershipEvent("created", { ...place, role: "org:sales" }));

/** What is tried, what stands before it, and what must stand in the end. */
const flows: Readonly<
  Record<
    string,
    {
      prepare: (place: Place) => Promise<unknown>;
      event: (place: Place) => object;
      members: object[];
      status: number;
    }
  >
> = {
  "somebody joins": {
    prepare: async () => undefined,
    event: (place) => membershipEvent("created", { ...place, role: "org:sales" }),
    members: [{ role: "sales", state: "active" }],
    status: 200,
  },
  "a role changes": {
    prepare: joined,
    event: (place) => membershipEvent("updated", { ...place, role: "org:guest", at: 1_790_000_000_001 }),
    members: [{ role: "viewer", state: "active" }],
    status: 200,
  },
  "somebody leaves": {
    prepare: joined,
    event: (place) => membershipEvent("deleted", { ...place, role: "org:sales" }),
    members: [{ role: "sales", state: "suspended" }],
    status: 401,
  },
  "somebody leaves before it was told that they came": {
    prepare: async () => undefined,
    event: (place) => membershipEvent("deleted", { ...place, role: "org:sales" }),
    members: [],
    status: 401,
  },
  "a person is deleted": {
    prepare: joined,
    event: (place) => deletionEvent("user", place.subject),
    members: [{ role: "sales", state: "suspended" }],
    status: 401,
  },
  "an organization is deleted": {
    prepare: joined,
    event: (place) => deletionEvent("organization", place.organization),
    members: [{ role: "sales", state: "suspended" }],
    status: 401,
  },
};

for (const [what, flow] of Object.entries(flows)) {
  for (const [when, die] of Object.entries(deaths)) {
    test(`${what}, and the Worker dies ${when} any batch: sent again, it ends right`, async () => {
      let deadAt = 1;
      for (let isDone = false; !isDone; deadAt += 1) {
        const place = await newPlace();
        await flow.prepare(place);
        const id = `msg_${newId("x").slice(2)}`;
        const dying = dyingAt(place, deadAt, die);
        const { status } = await deliver(place, flow.event(place), { id, env: dying.env });
        isDone = !dying.hasDied();
        expect(status).toBe(isDone ? 204 : 500);
        // Svix sends it again, with the same id.
        expect((await deliver(place, flow.event(place), { id })).status).toBe(204);
        expect(await membersOf(place), `dead at ${deadAt}`).toEqual(flow.members);
        expect(await statusOf(place), `dead at ${deadAt}`).toBe(flow.status);
        expect(await doubles(), `dead at ${deadAt}`).toEqual([]);
      }
      expect(deadAt).toBeGreaterThan(4);
    });
  }
}

for (const isCommitted of [true, false]) {
  test(`a connection lost at any batch that was ${isCommitted ? "" : "not "}committed is made good, at the latest by the next try`, async () => {
    const event = (place: Place) => membershipEvent("created", { ...place, role: "org:sales" });
    const statuses: number[] = [];
    for (let at = 1, isDone = false; !isDone; at += 1) {
      const place = await newPlace();
      const dying = dyingAt(place, at, async (commit) => {
        if (isCommitted) await commit();
        throw new Error("D1_ERROR: Network connection lost.");
      });
      const { status } = await deliver(place, event(place), { env: dying.env });
      isDone = !dying.hasDied();
      if (!isDone) statuses.push(status);
      if (status !== 204) await deliver(place, event(place));
      expect(await membersOf(place)).toEqual([{ role: "sales", state: "active" }]);
    }
    // A write is asked after and tried once more; a read is Svix's next try.
    expect(new Set(statuses)).toEqual(new Set([204, 503]));
  });
}

for (const [when, die] of Object.entries(deaths)) {
  test(`a link that dies ${when} any batch is made good by the next run, and by no other tenant's`, async () => {
    for (let at = 1, isDone = false; !isDone; at += 1) {
      const issuer = await newIssuer();
      const link = { issuer: issuer.entry.issuer, organization: `org_${newId("x").slice(2)}` };
      const place = { issuer, organization: link.organization, subject: `user_${newId("x").slice(2)}` };
      const dying = dyingAt(place, at, die);
      const tried = await linkOrganization(dying.env, link, tenant.slug, run()).catch(() => "dead");
      isDone = !dying.hasDied();
      expect(tried).toBe(isDone ? "linked" : "dead");
      expect(await linkOrganization(testEnv(), link, tenant.slug, run())).toBe("linked");
      expect(await linkOrganization(testEnv(), link, other.slug, run())).toBe("taken");
      await joined(place);
      expect(await statusOf(place)).toBe(200);
    }
  });

  test(`an unlinking that dies ${when} any batch lets nobody in from its cell's commit on, and is made good`, async () => {
    for (let at = 1, isDone = false; !isDone; at += 1) {
      const place = await newPlace();
      await joined(place);
      const link = { issuer: place.issuer.entry.issuer, organization: place.organization };
      const dying = dyingAt(place, at, die);
      const tried = await unlinkOrganization(dying.env, link, run()).catch(() => "dead");
      isDone = !dying.hasDied();
      expect(tried).toBe(isDone ? "unlinked" : "dead");
      const [row] = await rowsOf(
        tenant.cell.database,
        "select state from outside_organizations where tenant_id = ? and organization = ?",
        tenant.tenantId,
        place.organization,
      );
      expect(await statusOf(place)).toBe(row?.state === "ended" ? 401 : 200);
      expect(await unlinkOrganization(testEnv(), link, run())).toMatch(/^(unlinked|not-linked)$/);
      expect(await statusOf(place)).toBe(401);
      expect(await membersOf(place)).toEqual([{ role: "sales", state: "suspended" }]);
      // Free again, for another tenant too.
      expect(await linkOrganization(testEnv(), link, other.slug, run())).toBe("linked");
    }
  });

  test(`the linking of a member that dies ${when} any batch is made good`, async () => {
    for (let at = 1, isDone = false; !isDone; at += 1) {
      const place = await newPlace();
      const person = { ...place, issuer: place.issuer.entry.issuer };
      const { owner } = tenant.memberIds;
      const dying = dyingAt(place, at, die);
      const tried = await linkMember(dying.env, person, owner, run()).catch(() => "dead");
      isDone = !dying.hasDied();
      expect(tried).toBe(isDone ? "linked" : "dead");
      expect(await linkMember(testEnv(), person, owner, run())).toBe("linked");
      expect(await statusOf(place)).toBe(200);
      expect(await doubles()).toEqual([]);
    }
  });
}

function run() {
  return { job: "test", requestId: newId("run"), now: Date.now() };
}

/** Bindings whose databases fail at one batch, counted over all of them. */
function dyingAt({ issuer }: Place, at: number, die: (run: () => Promise<unknown>) => Promise<unknown>) {
  let batches = 0;
  const tap = async (_texts: readonly string[], commit: () => Promise<D1Result[]>) => {
    batches += 1;
    if (batches === at) await die(commit);
    return await commit();
  };
  const { DIRECTORY, CELL_US1 } = testEnv();
  const env = issuer.env({
    DIRECTORY: tapped(DIRECTORY, tap),
    CELL_US1: tapped(CELL_US1 as D1Database, tap),
  });
  return { env, hasDied: () => batches >= at };
}

async function deliver(
  { issuer }: Place,
  event: object,
  { id, env = issuer.env() }: { id?: string; env?: TestEnv } = {},
) {
  const { body, headers } = await issuer.message(event, id === undefined ? {} : { id });
  const url = `https://api.keyline.example/issuers/${issuer.name}/webhooks`;
  return await send(new Request(url, { method: "POST", headers, body }), env);
}

async function statusOf(place: Place): Promise<number> {
  const { issuer, organization, subject } = place;
  const as = await issuer.token({ organization, subject, role: "org:boss" });
  // An isolate of its own, which has looked nobody up yet.
  const env = dyingAt(place, 0, deaths.before).env;
  return (await call("orders.list", { tenant: tenant.slug, as, env })).status;
}

/** Those whom this place's issuer made. */
function membersOf({ organization }: Place) {
  return rowsOf(
    tenant.cell.database,
    "select members.role, members.state from outside_organizations join outside_members on outside_members.tenant_id = outside_organizations.tenant_id and organization_id = outside_organizations.id join members on members.tenant_id = outside_members.tenant_id and members.id = member_id where outside_organizations.tenant_id = ? and organization = ?",
    tenant.tenantId,
    organization,
  );
}

/** People, places in organizations or members of which there are two. */
async function doubles(): Promise<unknown[]> {
  return [
    ...(await rowsOf(
      testEnv().DIRECTORY,
      "select issuer, subject_token from outside_identities group by 1, 2 having count(*) > 1",
    )),
    ...(await rowsOf(
      testEnv().CELL_US1 as D1Database,
      "select tenant_id, identity_id from outside_members where state = 'active' group by 1, 2 having count(*) > 1",
    )),
    ...(await rowsOf(
      testEnv().CELL_US1 as D1Database,
      "select tenant_id, user_id from members group by 1, 2 having count(*) > 1",
    )),
  ];
}
