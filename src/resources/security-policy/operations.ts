import { sql } from "drizzle-orm";
import { z } from "zod";
import { update as change, emit, insert, mustNotExist } from "#db/changes.ts";
import { many } from "#db/queries.ts";
import { Timestamp } from "#http/fields.ts";
import { readOperation, writeOperation } from "#http/operation.ts";
import { commit } from "#http/outcome.ts";
import { timestamp } from "#lib/time.ts";
import { secondFactorPolicies, securityPolicies } from "./table.ts";

const secondFactor = z.enum(secondFactorPolicies).meta({
  description:
    "Who needs a second factor: nobody, owners and admins, or every member. It holds from each one's next sign-in.",
  examples: ["elevated"],
});

const SecurityPolicy = z
  .object({ secondFactor, secondFactorSince: Timestamp.nullable() })
  .meta({ id: "SecurityPolicy" });

export const get = readOperation({
  mount: "tenant",
  method: "get",
  path: "/security-policy",
  summary: "Read what is asked of how members sign in",
  can: "security:read",
  store: "cell",
  returns: SecurityPolicy,
  problems: [],
  async run({ tenant }) {
    const { found } = await tenant.read({ found: many(securityPolicies, { limit: 1 }) });
    return found[0] ?? { secondFactor: "off" as const, secondFactorSince: null };
  },
});

export const update = writeOperation({
  mount: "tenant",
  method: "put",
  path: "/security-policy",
  summary: "Decide what is asked of how members sign in",
  can: "security:write",
  recordRefusal: true,
  store: "cell",
  body: z.strictObject({ secondFactor }).meta({ id: "SecurityPolicyChange" }),
  returns: SecurityPolicy,
  problems: ["conflict"],
  async run({ tenant, principal, newId, now }, { body }) {
    const { found } = await tenant.read({ found: many(securityPolicies, { limit: 1 }) });
    const [before] = found;
    // Only what was off begins anew: else whoever was asked before would be let go on by a change of whom else to ask.
    const isOn = before !== undefined && before.secondFactor !== "off";
    const next = { ...body, secondFactorSince: isOn ? before.secondFactorSince : timestamp(now) };
    const written = before
      ? [change(securityPolicies, before, next, now)]
      : [
          insert(securityPolicies, { id: newId("spo"), ...next }, now),
          // Of two at once that find none the other is asked anew.
          mustNotExist(securityPolicies, sql`1`, null),
        ];
    const told = emit(
      "security_policy.updated",
      { tenantId: principal.tenantId, ...next },
      { table: securityPolicies, row: {} },
    );
    return commit(next, ...written.toReversed(), told);
  },
});
