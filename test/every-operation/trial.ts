import { expect } from "vitest";
import { mintDemoKey } from "#cli/seed.ts";
import type { CapabilityMask } from "#gate/capabilities.ts";
import { type Answer, type Call, clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { exampleOf, operations } from "#test/examples.ts";
import { memberToken, type Role, rowsOf, type TestTenant } from "#test/world.ts";
import { grown, written } from "#test/written.ts";

/** Who asks: the id that its gate is named by, and what it sends as a bearer. */
export interface Principal {
  readonly id: string;
  readonly as: string;
}

const { call } = clientOf();

/** Asks once across tenants, past the firewall, as one of CellSystem's statements does. By hand. */
export const looksAcross: Readonly<Record<string, RegExp>> = {
  // Whose the text is that was handed in.
  "api-keys.leakedKey": /^select tenant_id as id from api_keys where id = \? limit 1$/,
  "customer-consent.sharedProfiles":
    /^select tenant_id, id from customer_consents indexed by customer_consents_by_identity /,
};

/** Reads so much more of others than its own cell. By hand: the slug's claim and the pointer, and who is there. */
export const looksBeside: Readonly<Record<string, number>> = { "sandbox.open": 2 };

/** Reads what the directory knows of it besides, and commits it there: two round trips, one of them a write. By hand. */
export const tellsDirectory: readonly string[] = [
  "api-keys.reportLeak",
  "invitations.create",
  "invitations.resend",
  "members.remove",
  "sso-domains.update",
  "sso-domains.verify",
  "sso-domains.remove",
];

export function ownKeyOf({ keyId, key }: TestTenant): Principal {
  return { id: keyId, as: key };
}

/** Done by a member's own session alone. By hand. */
export const inPerson: readonly string[] = [
  "members.transferOwnership",
  "sandbox.open",
  "support-grants.create",
];

/** Who may do all that there is: the tenant's key, or where that asks for a person, its owner. */
export async function wholeOf(tenant: TestTenant, name: string): Promise<Principal> {
  return inPerson.includes(name) ? await memberOf(tenant, "owner") : ownKeyOf(tenant);
}

export async function keyOf({ cell, tenantId, memberIds }: TestTenant, scopes: CapabilityMask) {
  const { id, key } = await mintDemoKey(testEnv(), cell, tenantId, memberIds.owner, Date.now(), scopes);
  return { id, as: key };
}

export async function memberOf(tenant: TestTenant, role: Role, scope?: string): Promise<Principal> {
  const as = await memberToken(tenant, role, scope === undefined ? {} : { scope });
  return { id: tenant.memberIds[role], as };
}

/** Calls an operation as its example says, but for what is changed. */
export async function tryOut(
  tenant: TestTenant,
  name: string,
  principal: Principal | null,
  changes: Call = {},
): Promise<Answer> {
  const input = await exampleOf(name).make(tenant);
  return await call(name, {
    tenant: tenant.slug,
    ...(principal ? { as: principal.as } : {}),
    ...input,
    ...changes,
  });
}

export function expectSuccess(name: string, { status, text }: Answer): void {
  const declared = operations.find((each) => each.name === name)?.operation.status ?? 200;
  expect(status, text).toBe(declared);
}

/** 403, and nothing written but the one note of an operation that records its refusals. */
export async function expectForbidden(tenant: TestTenant, name: string, principal: Principal): Promise<void> {
  const isRecorded = recordsRefusals(name);
  const input = await exampleOf(name).make(tenant);
  const before = await written();
  const answer = await call(name, { tenant: tenant.slug, as: principal.as, ...input });
  expect(answer.status, answer.text).toBe(403);
  expect(answer.json.type).toBe("/problems/forbidden");
  const { id } = tenant.cell;
  expect(grown(before, await written())).toEqual(
    isRecorded ? { [`${id} audit_log`]: 1, [`${id} commits`]: 1, [`${id} counted`]: 1 } : {},
  );
  if (isRecorded) await expectNote(tenant, name, principal, answer);
}

async function expectNote(
  { cell, tenantId }: TestTenant,
  name: string,
  principal: Principal,
  answer: Answer,
) {
  const [last] = await rowsOf(
    cell.database,
    "select operation, action, entity, row, actor_id, request_id from audit_log where tenant_id = ? order by seq desc limit 1",
    tenantId,
  );
  expect(last).toMatchObject({
    operation: name,
    action: "note",
    entity: "operation",
    actor_id: principal.id,
  });
  expect(last?.request_id).toBe(answer.headers.get("x-request-id"));
  expect(JSON.parse(String(last?.row))).toEqual({ problem: "forbidden", capability: exampleOf(name).needs });
}

function recordsRefusals(name: string): boolean {
  const operation = operations.find((each) => each.name === name)?.operation;
  return operation !== undefined && "recordRefusal" in operation && operation.recordRefusal === true;
}
