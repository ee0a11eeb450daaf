import { expect, test } from "vitest";
import { knownTexts } from "#db/firewall.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { deletionEvent, membershipEvent, newIssuer, newOrganization } from "#test/outside.ts";
import { planOf } from "#test/query-plans.ts";
import { newTenant } from "#test/world.ts";

const { call, send } = clientOf();

/** Look-ups that grow with what a deployment or a tenant holds, by how they begin, and the index of each step. */
const lookUps: Readonly<
  Record<string, { store: "DIRECTORY" | "CELL_US1"; begins: RegExp; steps: string[] }>
> = {
  "who a token's person is": {
    store: "DIRECTORY",
    begins: /^select "outside_organization_claims"."id" as "organization_id"/,
    steps: [
      "outside_organization_claims USING INDEX outside_organization_claims_linked (tenant_id=? AND issuer=? AND organization=?)",
      "directory_tenants USING PRIMARY KEY (tenant_id=? AND id=?)",
      "outside_identities USING INDEX sqlite_autoindex_outside_identities_2 (tenant_id=? AND issuer=? AND subject_token=?) LEFT-JOIN",
      "outside_member_index USING INDEX sqlite_autoindex_outside_member_index_2 (tenant_id=? AND organization_id=? AND identity_id=?) LEFT-JOIN",
    ],
  },
  "by whom a member is vouched for": {
    store: "CELL_US1",
    begins: /^select "outside_members"."id" as "id" from/,
    steps: [
      "outside_members USING INDEX outside_members_by_member (tenant_id=? AND member_id=?)",
      "outside_organizations USING PRIMARY KEY (tenant_id=? AND id=?)",
    ],
  },
  "a member's rows": {
    store: "CELL_US1",
    begins: /^select "outside_members"."tenant_id" as .* \("outside_members"."member_id" = \?\)/,
    steps: ["outside_members USING INDEX outside_members_by_member (tenant_id=? AND member_id=?)"],
  },
  "who is in an organization": {
    store: "CELL_US1",
    begins: /^select "outside_members"."tenant_id" as .*"outside_members_active"/,
    steps: ["outside_members USING INDEX outside_members_active (tenant_id=? AND organization_id=?)"],
  },
  "where a person is": {
    store: "DIRECTORY",
    begins: /^select "outside_member_index"."id" as "id"/,
    steps: [
      "outside_member_index USING INDEX outside_member_index_by_identity (tenant_id=? AND identity_id=? AND id>?)",
      "outside_organization_claims USING PRIMARY KEY (tenant_id=? AND id=?)",
      "directory_tenants USING PRIMARY KEY (tenant_id=? AND id=?)",
    ],
  },
  "a person's member in a tenant": {
    store: "DIRECTORY",
    begins: /^select "outside_member_index"."member_id" as "member_id"/,
    steps: [
      "outside_member_index USING INDEX outside_member_index_by_identity (tenant_id=? AND identity_id=?)",
      "outside_organization_claims USING PRIMARY KEY (tenant_id=? AND id=?)",
    ],
  },
  "an organization's claim": {
    store: "DIRECTORY",
    begins:
      /^select "outside_organization_claims"."tenant_id" as .* and "outside_organization_claims"."organization"/,
    steps: [
      "outside_organization_claims USING INDEX outside_organization_claims_linked (tenant_id=? AND issuer=? AND organization=?)",
    ],
  },
  "a person by their subject": {
    store: "DIRECTORY",
    begins: /^select "outside_identities"."tenant_id"/,
    steps: [
      "outside_identities USING INDEX sqlite_autoindex_outside_identities_2 (tenant_id=? AND issuer=? AND subject_token=?)",
      "subject_keys USING PRIMARY KEY (tenant_id=? AND subject_id=?) LEFT-JOIN",
      "subject_tombstones USING PRIMARY KEY (tenant_id=? AND subject_id=?)",
    ],
  },
};

test("each look-up for outside issuers is a search by its own index", async () => {
  const issuer = await newIssuer();
  const deliver = async (event: object) => {
    const { body, headers } = await issuer.message(event);
    const url = `https://api.keyline.example/issuers/${issuer.name}/webhooks`;
    const answer = await send(new Request(url, { method: "POST", headers, body }), issuer.env());
    expect(answer.status, answer.text).toBe(204);
  };
  const [tenant, other] = [await newTenant(), await newTenant()];
  const organization = await newOrganization(issuer, tenant);
  await deliver(membershipEvent("created", { organization, subject: "user_1" }));
  const elsewhere = await newOrganization(issuer, other);
  await deliver(membershipEvent("created", { organization: elsewhere, subject: "user_1" }));
  const as = await issuer.token({ organization, subject: "user_1", role: "org:boss" });
  expect((await call("orders.list", { tenant: tenant.slug, as, env: issuer.env() })).status).toBe(200);
  await deliver(deletionEvent("user", "user_1"));
  await deliver(deletionEvent("organization", organization));

  for (const [what, { store, begins, steps }] of Object.entries(lookUps)) {
    const texts = knownTexts().filter((text) => begins.test(text));
    expect(texts, what).toHaveLength(1);
    const plan = await planOf(testEnv()[store] as D1Database, texts[0] ?? "");
    const searches = plan.filter((step) => /^(SEARCH|SCAN)/.test(step));
    expect([what, searches]).toEqual([what, steps.map((step) => `SEARCH ${step}`)]);
  }
});
