import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { expect } from "vitest";
import { consume } from "#jobs/consume.ts";
import { copyIdentityEvents } from "#jobs/copy-identity-events.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { join, newUser, type TestUser } from "#test/identity/kit.ts";
import { as, newTenant, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();
const { DIRECTORY } = testEnv();
/** Where and with what somebody signs in. */
export const headers = { "CF-Connecting-IP": "203.0.113.77", "User-Agent": "Quibble/1.0" };
/** The wake-up of the directory's outbox. */
export const platform = { v: 1, tenantId: "platform" };

/** A user of whom nothing is left to be told, and where they are a member since: in each cell once. */
export async function inTwoTenants(role: "manager" | "installer" = "manager") {
  const user = await newUser();
  await drained();
  const [us, eu] = [await newTenant("signs"), await newTenant("cafe")];
  const members = [await join(user, us, role), await join(user, eu, role)];
  return { user, us, eu, members };
}

export async function signInFromAfar({ email, password }: TestUser): Promise<Answer> {
  const answer = await call("sign-in.password", { body: { email, password }, headers });
  expect(answer.status).toBe(201);
  return answer;
}

export async function copy(): Promise<void> {
  await copyIdentityEvents(testEnv(), Date.now());
}

/** Goes on until nothing is left of what others began. */
export async function drained(): Promise<void> {
  const left = () => rowsOf(DIRECTORY, "select 1 from events where dispatched_at is null limit 1");
  while ((await left()).length > 0) await copy();
}

export async function woken(): Promise<void> {
  const message = { id: "m", timestamp: new Date(), attempts: 1, body: platform };
  const batch = createMessageBatch("keyline-mail", [message, { ...message, id: "n" }]);
  await consume(testEnv(), batch, Date.now());
  expect((await getQueueResult(batch, createExecutionContext())).retryMessages).toEqual([]);
}

export interface Told {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly requestId: string;
}

/** What the tenant's stream tells of how people sign in. */
export async function toldIn(tenant: TestTenant): Promise<Told[]> {
  const { json } = await call("events.list", { ...as(tenant), query: { limit: "100" } });
  return json.data.filter(({ type }: Told) => /^(user|mfa)\./.test(type));
}

export async function auditOf(tenant: TestTenant, memberId = ""): Promise<Record<string, unknown>[]> {
  const query = { limit: "100", ...(memberId === "" ? {} : { entityId: memberId }) };
  const { json } = await call("audit.list", { ...as(tenant), query });
  return json.data.filter(({ action }: { action: string }) => action.startsWith("user."));
}
