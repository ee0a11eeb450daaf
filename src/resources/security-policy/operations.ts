import { z } from "zod";
import { update as change, emit, insert } from "#db/changes.ts";
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

const allowsSms = z.boolean().meta({
  description:
    "Whether codes by SMS are a second factor here, which you pay for. Never of owners and admins: they need another.",
});

const SecurityPolicy = z
  .object({ secondFactor, secondFactorSince: Timestamp.nullable(), allowsSms })
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
    const [policy] = found;
    if (!policy) return { secondFactor: "off" as const, secondFactorSince: null, allowsSms: false };
    return { ...policy, allowsSms: policy.allowsSms === 1 };
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
  body: z
    .strictObject({
      secondFactor,
      allowsSms: allowsSms.optional().meta({ description: "Absent: as it is, or no at first." }),
    })
    .meta({ id: "SecurityPolicyChange" }),
  returns: SecurityPolicy,
  problems: ["conflict"],
  async run({ tenant, principal, newId, now }, { body }) {
    const { found } = await tenant.read({ found: many(securityPolicies, { limit: 1 }) });
    const [before] = found;
    // Only what was off begins anew: else whoever was asked before would be let go on by a change of whom else to ask.
    const isOn = before !== undefined && before.secondFactor !== "off";
    const allows = body.allowsSms ?? before?.allowsSms === 1;
    const next = {
      secondFactor: body.secondFactor,
      secondFactorSince: isOn ? before.secondFactorSince : timestamp(now),
      allowsSms: allows ? 1 : 0,
    };
    const answer = { ...next, allowsSms: allows };
    const written = before
      ? [change(securityPolicies, before, next, now)]
      : // Of two at once that find none the other's epoch has moved.
        [insert(securityPolicies, { id: newId("spo"), ...next }, now)];
    const told = emit(
      "security_policy.updated",
      { tenantId: principal.tenantId, ...answer },
      { table: securityPolicies, row: {} },
    );
    return commit(answer, ...written, told);
  },
});
