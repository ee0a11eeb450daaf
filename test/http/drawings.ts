import { eq } from "drizzle-orm";
import { expect } from "vitest";
import { z } from "zod";
import { emit, insert, mustExist, note } from "#db/changes.ts";
import { effectOperation, type Ports } from "#http/operation.ts";
import { commit, refuse } from "#http/outcome.ts";
import type { Registry } from "#http/registry.ts";
import { sweepIntents } from "#jobs/sweep-intents.ts";
import { typeId } from "#lib/typeid.ts";
import { cellOf, type Files } from "#platform/cells.ts";
import { customers } from "#resources/customers/table.ts";
import { registry } from "#resources/index.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { as, proxied, rowsOf, type TestTenant } from "#test/world.ts";

// Stores a drawing in R2, create-only, and adds the customer it is for. Mounted by these tests alone.
export const resumeAfterSeconds = 120;
const Drawing = z.object({ id: z.string(), name: z.string(), object: z.string(), version: z.int() });
const Intent = z.object({ id: z.string(), object: z.string(), text: z.string() });
const declared = {
  mount: "tenant",
  method: "post",
  summary: "Store a drawing",
  can: "files:write",
  store: "cell",
  body: z.strictObject({ text: z.string(), customerId: typeId("cus").optional() }),
  returns: Drawing,
  status: 201,
  intent: Intent,
  // "internal" because these tests kill the Worker under it.
  problems: ["invalid", "customer-deleted", "conflict", "internal"],
  resumeAfterSeconds,
} as const;

function drawing(path: string) {
  return effectOperation({
    ...declared,
    path,
    async intend({ principal, newId }, { body }) {
      const id = newId("cus");
      const object = `${principal.tenantId}/drawings/${id}`;
      const { customerId } = body;
      return commit(
        { id, object, text: body.text },
        ...(customerId
          ? [
              mustExist(customers, eq(customers.id, customerId), {
                problem: "invalid",
                pointer: "/customerId",
              }),
            ]
          : []),
        note("drawing", id, { begun: true }),
      );
    },
    async perform({ files }, { object, text }) {
      await files.put(object, text, { onlyIf: { etagDoesNotMatch: "*" } });
      return text.length;
    },
    async settle({ now }, { id, object }, size) {
      if (size === 0) return refuse("customer-deleted", note("drawing", id, { empty: true }));
      const made = insert(customers, { id, name: "Walk-in customer" }, now);
      return commit(
        { ...made.row, object },
        made,
        emit("customer.created", { customerId: id, size }, { table: customers, row: made.row }),
      );
    },
  });
}

const store = drawing("/drawings");
const stage = {
  ...drawing("/staged-drawings"),
  abandon: ({ files }: Ports, { object }: z.output<typeof Intent>) => files.delete(object),
};
export const operations = { ...registry, drawings: { store, stage } } satisfies Registry;
export const { call } = clientOf(operations);

interface Draw {
  readonly key?: string | undefined;
  readonly text?: string;
  readonly customerId?: string;
  readonly as?: string;
}

export function draw(tenant: TestTenant, given: Draw = {}, env: TestEnv = testEnv()): Promise<Answer> {
  const { key, text = "first", customerId, as = tenant.key } = { key: "k", ...given };
  return call("drawings.store", {
    tenant: tenant.slug,
    as,
    body: { text, customerId },
    headers: key === undefined ? {} : { "Idempotency-Key": key },
    env,
  });
}

export function staged(tenant: TestTenant, env: TestEnv = testEnv()): Promise<Answer> {
  return call("drawings.stage", {
    ...as(tenant),
    body: { text: "first" },
    headers: { "Idempotency-Key": "k" },
    env,
  });
}

export async function sweep(env: TestEnv = testEnv()): Promise<void> {
  const cell = cellOf(env, "us1");
  if (!cell) throw new Error("There is no cell us1.");
  await sweepIntents(env, cell, operations, Date.now());
}

/** Exactly one of everything, and the answer tells of it. */
export async function expectDoneOnce(tenant: TestTenant, answer: Answer | undefined, byKey = tenant.keyId) {
  expect(answer?.status).toBe(201);
  const { id, object } = answer?.json ?? {};
  expect(object).toBe(`${tenant.tenantId}/drawings/${id}`);
  expect((await objectsOf(tenant)).map(({ key }) => key)).toEqual([object]);
  expect(await (await filesOf().get(object))?.text()).toBe("first");
  expect(await stateOf(tenant)).toEqual({
    intents: ["settled"],
    records: [[byKey, 201]],
    drawn: 1,
    events: 1,
    notes: 1,
  });
}

export async function stateOf({ cell, tenantId }: TestTenant) {
  const ask = (text: string) => rowsOf<Record<string, unknown>>(cell.database, text, tenantId);
  const [intents, records, drawn, events, notes] = await Promise.all([
    ask("select state from intents where tenant_id = ? order by created_at, id"),
    ask("select principal_id, status from idempotency where tenant_id = ?"),
    ask(
      "select 1 from customers join audit_log on entity_id = customers.id and operation like 'drawings.%' and audit_log.tenant_id = customers.tenant_id and action = 'created' where customers.tenant_id = ?",
    ),
    ask("select 1 from events where tenant_id = ? and type = 'customer.created'"),
    ask("select 1 from audit_log where tenant_id = ? and action = 'note'"),
  ]);
  return {
    intents: intents.map(({ state }) => state),
    records: records.map(({ principal_id: id, status }) => [id, status]),
    drawn: drawn.length,
    events: events.length,
    notes: notes.length,
  };
}

/** Without that of the tenant's seed. */
export async function objectsOf({ tenantId, fileId }: TestTenant) {
  const { objects } = await filesOf().list({ prefix: tenantId });
  return objects
    .filter(({ key }) => !key.includes(fileId))
    .map(({ key, etag, version }) => ({ key, etag, version }));
}

function filesOf(): Files {
  return testEnv().FILES_US1 as Files;
}

export const unreachable = proxied(filesOf(), { put: () => Promise.reject(new Error("R2 is down")) });

export function failingPut(when: "before" | "after"): Files {
  const put = async (key: string, text: string, options: R2PutOptions) => {
    if (when === "after") await filesOf().put(key, text, options);
    throw new Error("killed");
  };
  return proxied(filesOf(), { put });
}

export function countingPut(): { files: Files; puts: () => number } {
  let puts = 0;
  const put = (key: string, text: string, options: R2PutOptions) => {
    puts += 1;
    return filesOf().put(key, text, options);
  };
  return { files: proxied(filesOf(), { put }), puts: () => puts };
}

/** A put that says when it was reached and goes on, or answers, when it is let go. */
export function holdingPut(when: "before" | "after" = "before") {
  const [reached, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const put = async (key: string, text: string, options: R2PutOptions) => {
    const write = () => filesOf().put(key, text, options);
    const early = when === "after" ? await write() : null;
    reached.resolve();
    await held.promise;
    return early ?? (await write());
  };
  return { files: proxied(filesOf(), { put }), reached: reached.promise, release: () => held.resolve() };
}
