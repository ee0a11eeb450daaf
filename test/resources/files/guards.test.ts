import { expect, test } from "vitest";
import { testEnv } from "#test/env.ts";
import { newOrderAt } from "#test/examples.ts";
import { envWith, memberToken, newTenant, type TestTenant, tapped } from "#test/world.ts";
import { grown, written } from "#test/written.ts";
import {
  announced,
  ask,
  begun,
  call,
  complete,
  inParts,
  intentsOf,
  MiB5,
  objectsOf,
  pdf,
  put,
  putPart,
  sha256,
  threeParts,
} from "./kit.ts";

/** What another does after the request has read and before it commits. */
function meanwhile(act: () => Promise<{ status: number }>) {
  const seen: { status?: number; grown?: Record<string, number> } = {};
  const database = tapped(testEnv().CELL_US1 as D1Database, async (texts, commit) => {
    if (seen.status !== undefined || !texts.some((text) => text.startsWith('insert into "commits"')))
      return await commit();
    seen.status = 0;
    seen.status = (await act()).status;
    const before = await written();
    return await commit().finally(async () => {
      seen.grown = grown(before, await written());
    });
  });
  return { env: envWith({ CELL_US1: database }), seen };
}

const sends: Readonly<
  Record<
    string,
    {
      readonly make: (tenant: TestTenant) => Promise<string>;
      readonly send: (
        tenant: TestTenant,
        fileId: string,
        env: ReturnType<typeof testEnv>,
      ) => ReturnType<typeof put>;
      readonly problem: string;
    }
  >
> = {
  "an upload": {
    make: (tenant) => announced(tenant),
    send: (tenant, fileId, env) => put(tenant, fileId, pdf(), { env }),
    problem: "file-not-pending",
  },
  "a part": {
    make: (tenant) => begun(tenant, threeParts.length),
    send: (tenant, fileId, env) => putPart(tenant, fileId, 1, threeParts, { env }),
    problem: "file-not-uploading",
  },
  "a completion": {
    make: (tenant) => inParts(tenant),
    send: (tenant, fileId, env) => complete(tenant, fileId, {}, env),
    problem: "file-not-uploading",
  },
};

for (const [what, { make, send, problem }] of Object.entries(sends)) {
  test(`${what} of a file that is deleted between the read and the commit is not even intended`, async () => {
    const tenant = await newTenant();
    const fileId = await make(tenant);
    const [intents, objects] = [await intentsOf(tenant), await objectsOf(tenant)];
    const { env, seen } = meanwhile(() => ask(tenant, "files.remove", { params: { fileId } }));
    const answer = await send(tenant, fileId, env);
    expect([answer.status, answer.json.type]).toEqual([409, `/problems/${problem}`]);
    expect([seen.status, seen.grown]).toEqual([200, {}]);
    expect([await intentsOf(tenant), await objectsOf(tenant)]).toEqual([intents, objects]);
  });
}

test("of two first arrivals of one part at once the later replaces the earlier", async () => {
  const tenant = await newTenant();
  const fileId = await begun(tenant, threeParts.length);
  let isFirst = true;
  const database = tapped(testEnv().CELL_US1 as D1Database, async (texts, commit) => {
    if (isFirst && texts.some((text) => text.startsWith('insert into "file_parts"'))) {
      isFirst = false;
      expect((await putPart(tenant, fileId, 1, threeParts)).status).toBe(200);
    }
    return await commit();
  });
  const other = pdf(threeParts.length, 2);
  const late = await putPart(tenant, fileId, 1, other, { env: envWith({ CELL_US1: database }) });
  expect([isFirst, late.status]).toEqual([false, 200]);
  const { data } = (await ask(tenant, "files.parts", { params: { fileId } })).json;
  expect(data).toMatchObject([{ number: 1, sha256: await sha256(other.slice(0, MiB5)) }]);
});

test("no file is made of a customer who is deleted between the read and the commit", async () => {
  const tenant = await newTenant();
  const [customerId = ""] = tenant.customerIds;
  const { env, seen } = meanwhile(() => ask(tenant, "customers.remove", { params: { customerId } }));
  const body = { name: "proof.pdf", mediaType: "application/pdf", customerId };
  const answer = await ask(tenant, "files.create", { body, env });
  expect([answer.status, answer.json.errors?.[0].pointer]).toEqual([422, "/customerId"]);
  expect([seen.status, seen.grown]).toEqual([200, {}]);
});

test("no file is made of an order that is given to another between the read and the commit", async () => {
  const tenant = await newTenant();
  const { database } = tenant.cell;
  await database.batch([
    database
      .prepare("update members set grants = ? where tenant_id = ?")
      .bind("f".repeat(32), tenant.tenantId),
    database.prepare("update tenant_state set epoch = epoch + 1 where tenant_id = ?").bind(tenant.tenantId),
  ]);
  const orderId = await newOrderAt(tenant);
  const as = await memberToken(tenant, "installer");
  const { env, seen } = meanwhile(() =>
    ask(tenant, "orders.update", { params: { orderId }, body: { assigneeId: tenant.memberIds.designer } }),
  );
  const body = { name: "proof.pdf", mediaType: "application/pdf", orderId };
  const answer = await call("files.create", { tenant: tenant.slug, as, body, env });
  expect([answer.status, answer.json.errors?.[0].pointer]).toEqual([422, "/orderId"]);
  expect([seen.status, seen.grown]).toEqual([200, {}]);
});
