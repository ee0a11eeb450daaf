import { beforeAll, expect, test } from "vitest";
import { EnterAnswer, type EnterRequest, type Policy } from "#gate/policy.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { envWith, memberToken, newTenant, proxied, type TestTenant } from "#test/world.ts";
import { createCustomer } from "./kit.ts";

const { call } = clientOf();

/** The bookmark of each D1 session that the app opened on the cell's database. */
const sessions: string[] = [];
const cell = testEnv().CELL_US1 as D1Database;
const database = proxied(cell, {
  withSession(bookmark: string) {
    sessions.push(bookmark);
    return cell.withSession(bookmark);
  },
});

let tenant: TestTenant;
let foreign: TestTenant;
/** A member of the tenant, and where the cell stood when its gate read its rights. */
let member: string;
let rightsRead: string;

beforeAll(async () => {
  [tenant, foreign] = [await newTenant(), await newTenant()];
  member = await memberToken(tenant, "owner");
  const read: (string | null)[] = [];
  const env = envWith({ GATES: gatesSaying((policy) => void read.push(policy.bookmark)) });
  await call("orders.list", { tenant: tenant.slug, as: member, env });
  expect(read).toEqual([expect.stringMatching(bookmark)]);
  rightsRead = read[0] ?? "";
});

const bookmark = /^[0-9a-f]{8}(-[0-9a-f]+)+$/;

test("a read starts from the bookmark that its tenant brings back", async () => {
  const written = await createCustomer(tenant);
  const brought = written.headers.get("x-keyline-bookmark") ?? "";
  const [stood = ""] = brought.split("~");
  expect(stood > rightsRead, "what a write left behind is later than the rights").toBe(true);
  expect(await sessionsOf({ "X-Keyline-Bookmark": brought })).toEqual([stood]);
});

test("a read never starts from before its rights, whatever the bookmark that is brought", async () => {
  const own = await newTenant();
  const { headers } = await createCustomer(own);
  const early = headers.get("x-keyline-bookmark") ?? "";
  const read: (string | null)[] = [];
  const env = envWith({
    CELL_US1: database,
    GATES: gatesSaying((policy) => void read.push(policy.bookmark)),
  });
  sessions.length = 0;
  const as = await memberToken(own, "owner");
  await call("orders.list", { tenant: own.slug, as, env, headers: { "X-Keyline-Bookmark": early } });
  expect(sessions).toEqual(read);
  expect(read[0] ?? "").toMatch(bookmark);
  expect((read[0] ?? "") > (early.split("~")[0] ?? "")).toBe(true);
});

test("a bookmark of another tenant, or of nobody's, leaves a read where its rights were read", async () => {
  const theirs = (await createCustomer(foreign)).headers.get("x-keyline-bookmark") ?? "";
  const ours = (await createCustomer(tenant)).headers.get("x-keyline-bookmark") ?? "";
  const [stood, mac] = ours.split("~");
  const wrong = [
    theirs,
    theirs.split("~")[0] ?? "",
    `${theirs.split("~")[0]}~${mac}`,
    `f${stood?.slice(1)}~${mac}`,
    "first-primary",
    "nonsense",
  ];
  for (const brought of wrong)
    expect(await sessionsOf({ "X-Keyline-Bookmark": brought }), brought).toEqual([rightsRead]);
});

test("a read without a bookmark starts where its rights were read, and from any replica where none is known", async () => {
  expect(await sessionsOf({})).toEqual([rightsRead]);
  // As a gate says it that has read its rights from a database which gives no bookmarks.
  const GATES = gatesSaying((policy) => ({ ...policy, bookmark: null }));
  const other = await newTenant();
  sessions.length = 0;
  const env = envWith({ CELL_US1: database, GATES });
  expect((await call("orders.list", { tenant: other.slug, as: other.key, env })).status).toBe(200);
  expect(sessions).toEqual(["first-unconstrained"]);
});

test("a write starts from the primary, whatever it brings", async () => {
  const { headers } = await createCustomer(tenant);
  const brought = headers.get("x-keyline-bookmark") ?? "";
  for (const sent of [{}, { "X-Keyline-Bookmark": brought }] as Record<string, string>[]) {
    sessions.length = 0;
    const answer = await call("customers.create", {
      tenant: tenant.slug,
      as: member,
      body: { name: "Ada Lovelace" },
      headers: sent,
      env: envWith({ CELL_US1: database }),
    });
    expect([answer.status, sessions]).toEqual([201, ["first-primary"]]);
  }
});

/** What the member's read of the orders opened. */
async function sessionsOf(headers: Record<string, string>): Promise<readonly string[]> {
  sessions.length = 0;
  const env = envWith({ CELL_US1: database });
  const { status } = await call("orders.list", { tenant: tenant.slug, as: member, headers, env });
  expect(status).toBe(200);
  return [...sessions];
}

/** The real gates, whose policies are looked at on their way, or altered. */
function gatesSaying(
  look: (policy: Record<string, unknown> & Pick<Policy, "bookmark">) => object | undefined,
) {
  const { GATES } = testEnv();
  return proxied(GATES, {
    getByName(name: string) {
      const gate = GATES.getByName(name);
      return proxied(gate, {
        async enter(request: EnterRequest) {
          const answer = EnterAnswer.parse(await gate.enter(request));
          if (answer.outcome === "unknown" || answer.policy === null) return answer;
          const policy = JSON.parse(answer.policy);
          return { ...answer, policy: JSON.stringify(look(policy) ?? policy) };
        },
      });
    },
  });
}
