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

const longestKeyAge = z
  .int()
  .min(1)
  .max(3650)
  .nullable()
  .meta({
    description:
      "How old an API key may become, in days; null: as old as it likes. One that nears it is told of by `api_key.rotation_due`; one past it is refused, a week after this was asked at the soonest.",
    examples: [365],
  });

const SecurityPolicy = z
  .object({
    secondFactor,
    secondFactorSince: Timestamp.nullable(),
    allowsSms,
    longestKeyAge,
    longestKeyAgeSince: Timestamp.nullable(),
  })
  .meta({ id: "SecurityPolicy" });

export const get = readOperation({
  mount: "tenant",
  method: "get",
  path: "/security-policy",
  summary: "Read what is asked of how members sign in, and of keys",
  can: "security:read",
  store: "cell",
  returns: SecurityPolicy,
  problems: [],
  async run({ tenant }) {
    const { found } = await tenant.read({ found: many(securityPolicies, { limit: 1 }) });
    const [policy] = found;
    return policy ? { ...policy, allowsSms: policy.allowsSms === 1 } : nothingAsked;
  },
});

const nothingAsked = {
  secondFactor: "off" as const,
  secondFactorSince: null,
  allowsSms: false,
  longestKeyAge: null,
  longestKeyAgeSince: null,
};

export const update = writeOperation({
  mount: "tenant",
  method: "put",
  path: "/security-policy",
  summary: "Decide what is asked of how members sign in, and of keys",
  can: "security:write",
  recordRefusal: true,
  store: "cell",
  body: z
    .strictObject({
      secondFactor,
      allowsSms: allowsSms.optional().meta({ description: "Absent: as it is, or no at first." }),
      longestKeyAge: longestKeyAge
        .optional()
        .meta({ description: "Absent: as it is. In days; null: keys grow as old as they like." }),
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
      ...keyAge(before ?? nothingAsked, body.longestKeyAge, now),
    };
    const answer = { ...next, allowsSms: allows };
    const written = before
      ? [change(securityPolicies, before, next, now)]
      : // Of two at once that find none the other's epoch has moved.
        [insert(securityPolicies, { id: newId("spo"), ipAllowList: "[]", ...next }, now)];
    const told = emit(
      "security_policy.updated",
      { tenantId: principal.tenantId, ...answer },
      { table: securityPolicies, row: {} },
    );
    return commit(answer, ...written, told);
  },
});

// Asked anew where it is asked for less than before: whoever was told of a year has a week to do with a month.
function keyAge(
  before: { readonly longestKeyAge: number | null; readonly longestKeyAgeSince: string | null },
  wanted: number | null | undefined,
  now: number,
) {
  const { longestKeyAge, longestKeyAgeSince } = before;
  if (wanted === undefined) return { longestKeyAge, longestKeyAgeSince };
  if (wanted === null) return { longestKeyAge: null, longestKeyAgeSince: null };
  const isStricter = longestKeyAge === null || wanted < longestKeyAge;
  return { longestKeyAge: wanted, longestKeyAgeSince: isStricter ? timestamp(now) : longestKeyAgeSince };
}
