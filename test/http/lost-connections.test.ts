import { expect, test } from "vitest";
import { newTenant, rowsOf, type Tap } from "#test/world.ts";
import { countOf, countsOf, createOrder, grownBy, isReplay, tapEnv } from "./kit.ts";

test("a connection lost after the batch was committed makes no second order and the answer has its number", async () => {
  const tenant = await newTenant();
  for (const key of ["k", undefined]) {
    const before = await countsOf(tenant);
    const lose = losing("after", 1);
    const answer = await createOrder(tenant, { key, env: tapEnv(lose.tap) });
    expect([answer.status, isReplay(answer), lose.lost()]).toEqual([201, false, 1]);
    const [row] = await rowsOf(
      tenant.cell.database,
      "select number from orders where id = ?",
      answer.json.id,
    );
    expect(answer.json.number).toBe(row?.number);
    expect(await grownBy(tenant, before)).toMatchObject({ orders: 1, commits: 1, events: 1, audit_log: 3 });
  }
});

test("a connection lost before the batch was committed is tried once more and commits once", async () => {
  const tenant = await newTenant();
  const before = await countsOf(tenant);
  const lose = losing("before", 1);
  const answer = await createOrder(tenant, { key: "k", env: tapEnv(lose.tap) });
  expect([answer.status, answer.json.number, lose.lost()]).toEqual([201, 2, 1]);
  expect(await grownBy(tenant, before)).toMatchObject({ orders: 1, commits: 1, events: 1, idempotency: 1 });
});

test("a connection lost twice is answered 503 and the client's retry finds what was committed", async () => {
  for (const when of ["after", "before"] as const) {
    const tenant = await newTenant();
    const before = await countsOf(tenant);
    const failed = await createOrder(tenant, { key: "k", env: tapEnv(losing(when, 2).tap) });
    expect([failed.status, failed.json.type]).toEqual([503, "/problems/unavailable"]);
    const retried = await createOrder(tenant, { key: "k" });
    expect([retried.status, retried.json.number, isReplay(retried)]).toEqual([201, 2, when === "after"]);
    expect(await grownBy(tenant, before)).toMatchObject({ orders: 1, commits: 1, events: 1 });
  }
});

test("what is not worth a retry is not tried again", async () => {
  const tenant = await newTenant();
  let commits = 0;
  const overloaded: Tap = async (texts, run) => {
    if (!isCommit(texts)) return await run();
    commits += 1;
    throw new Error("D1_ERROR: D1 DB is overloaded. Requests queued for too long.");
  };
  const answer = await createOrder(tenant, { key: "k", env: tapEnv(overloaded) });
  expect([answer.status, commits]).toEqual([503, 1]);
  expect(answer.text).not.toContain("overloaded");
  expect(await countOf(tenant, "orders")).toBe(1);
});

function isCommit(texts: readonly string[]): boolean {
  return texts.some((text) => text.startsWith('insert into "commits"'));
}

/** Loses the connection of the first `times` commits, before or after the first of them was really done. */
function losing(when: "before" | "after", times: number): { tap: Tap; lost: () => number } {
  let lost = 0;
  const tap: Tap = async (texts, run) => {
    if (!isCommit(texts) || lost === times) return await run();
    lost += 1;
    if (when === "after" && lost === 1) await run();
    throw new Error("D1_ERROR: Network connection lost.");
  };
  return { tap, lost: () => lost };
}
