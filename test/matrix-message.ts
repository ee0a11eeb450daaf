import { linkOrganization } from "#identity/outside/organizations.ts";
import { newId } from "#platform/ids.ts";
import { testEnv } from "#test/env.ts";
import { matrixIssuer } from "#test/matrix-issuer.ts";
import { membershipEvent } from "#test/outside.ts";
import { webhookHeaders } from "#test/svix.ts";
import type { TestTenant } from "#test/world.ts";

/** A webhook by which somebody joins the tenant, from the issuer that the tests' bindings name. */
export async function membershipMessage({ slug, tenantId }: TestTenant) {
  const { entry, secret } = matrixIssuer;
  const organization = `org_${tenantId}`;
  const run = { job: "test.link", requestId: newId("run"), now: Date.now() };
  const outcome = await linkOrganization(testEnv(), { issuer: entry.issuer, organization }, slug, run);
  if (outcome !== "linked") throw new Error(`The organization was not linked: ${outcome}`);
  const body = membershipEvent("created", { organization, subject: `user_${newId("x").slice(2)}` });
  const message = { id: `msg_${newId("x").slice(2)}`, nowMs: Date.now(), body: JSON.stringify(body) };
  return {
    params: { issuerName: entry.name },
    body,
    headers: await webhookHeaders([secret], message),
  };
}
