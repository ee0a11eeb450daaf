import { z } from "zod";
import { coverageSummary, memberCoverage } from "#db/member-factors.ts";
import { Timestamp, told, toldId } from "#http/fields.ts";
import { readOperation } from "#http/operation.ts";
import { Refusal } from "#http/outcome.ts";
import { pageOf, pageQuery } from "#http/page.ts";

const count = (description: string) =>
  z
    .int()
    .min(0)
    .meta({ description, examples: [1] });

const MemberFactors = z
  .object({
    memberId: toldId("mbr"),
    role: told(40, "manager"),
    state: z.enum(["active", "suspended"]),
    totp: z.boolean().meta({ description: "An authenticator app." }),
    passkeys: count("How many passkeys."),
    sms: z.boolean().meta({ description: "Codes by SMS." }),
    recoveryCodesLeft: count("How many recovery codes are left."),
    copiedAt: Timestamp.nullable().meta({
      description: "When that was last told; null where nothing ever was. At most a minute behind.",
    }),
  })
  .meta({ id: "MemberFactors" });

const Summary = z
  .object({
    members: count("Who is active."),
    withFactor: count("Who of them has a second factor that is one for their role."),
    withSmsAlone: count("Who of them has codes by SMS and nothing better."),
    elevatedWithout: count("Owners and admins of them who have none, or codes by SMS alone."),
  })
  .meta({ id: "FactorCoverageSummary" });

export const factorCoverage = readOperation({
  mount: "tenant",
  method: "get",
  path: "/members/factor-coverage",
  summary: "List which second factors members have, the newest member first, and how many have one",
  can: "security:read",
  expensive: true,
  store: "cell",
  query: z.strictObject(pageQuery),
  returns: pageOf(MemberFactors).extend({ summary: Summary }),
  problems: ["invalid"],
  async run({ tenant, cursors }, { query }) {
    const after = await cursors.open(query.cursor, {});
    if (after instanceof Refusal) return after;
    const { rows, summary } = await tenant.read({
      rows: memberCoverage(after, query.limit + 1),
      summary: coverageSummary(),
    });
    const page = await cursors.page(
      rows,
      query.limit,
      {},
      ({ memberId }) => memberId,
      ({ totp, sms, ...row }) => ({ ...row, totp: totp === 1, sms: sms === 1 }),
    );
    return { ...page, summary };
  },
});
