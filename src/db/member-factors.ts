import { sql } from "drizzle-orm";
import { z } from "zod";
import { timestamp } from "#lib/time.ts";
import type { Upkeep } from "./changes.ts";
import type { Query } from "./queries.ts";
import { statementOf } from "./statement.ts";

const Flag = z.union([z.literal(0), z.literal(1)]);

/** What a user has to prove themselves with besides a password, as events tell it. */
export const FactorState = z.object({
  totp: Flag,
  passkeys: z.int().min(0),
  sms: Flag,
  recoveryCodesLeft: z.int().min(0),
});
export type FactorState = z.output<typeof FactorState>;

/** The cell's copy of which factors a member has; the directory's is the truth. */
export function copyFactors(tenantId: string, memberId: string, state: FactorState, now: number): Upkeep {
  const { totp, passkeys, sms, recoveryCodesLeft } = state;
  const at = timestamp(now);
  const isTheirs = sql`"member_factors"."tenant_id" = ${tenantId} and "member_factors"."member_id" = ${memberId}`;
  return {
    kind: "upkeep",
    unless: sql`0`,
    statements: [
      statementOf(
        sql`update "member_factors" set "totp" = ${totp}, "passkey_count" = ${passkeys}, "sms" = ${sms}, "recovery_codes_left" = ${recoveryCodesLeft}, "copied_at" = ${at} where ${isTheirs}`,
      ),
      statementOf(
        sql`insert into "member_factors" ("tenant_id", "member_id", "totp", "passkey_count", "sms", "recovery_codes_left", "copied_at") select ${tenantId}, ${memberId}, ${totp}, ${passkeys}, ${sms}, ${recoveryCodesLeft}, ${at} where not exists (select 1 from "member_factors" where ${isTheirs})`,
      ),
    ],
  };
}

const Coverage = FactorState.omit({ passkeys: true }).extend({
  passkeyCount: z.int(),
  memberId: z.string(),
  role: z.string(),
  state: z.enum(["active", "suspended"]),
  copiedAt: z.string().nullable(),
});

type MemberCoverage = Omit<z.output<typeof Coverage>, "passkeyCount"> & { readonly passkeys: number };

const joined = (tenantId: string) =>
  sql`"members" left join "member_factors" on "member_factors"."tenant_id" = ${tenantId} and "member_factors"."member_id" = "members"."id" where "members"."tenant_id" = ${tenantId} and "members"."removed_at" is null`;

/** Members with their factors as they were last told of, the newest first. Who was never told of has none. */
export function memberCoverage(after: string | null, limit: number): Query<MemberCoverage[]> {
  return {
    async statement({ tenantId }) {
      const from = after === null ? sql`` : sql` and "members"."id" < ${after}`;
      return statementOf(
        sql`select "members"."id" as "memberId", "members"."role", "members"."state", coalesce("member_factors"."totp", 0) as "totp", coalesce("member_factors"."passkey_count", 0) as "passkeyCount", coalesce("member_factors"."sms", 0) as "sms", coalesce("member_factors"."recovery_codes_left", 0) as "recoveryCodesLeft", "member_factors"."copied_at" as "copiedAt" from ${joined(tenantId)}${from} order by "members"."id" desc limit ${limit}`,
      );
    },
    decode: async (_context, rows) =>
      z
        .array(Coverage)
        .parse(rows)
        .map(({ passkeyCount: passkeys, ...row }) => ({ ...row, passkeys })),
  };
}

const Summary = z.object({
  members: z.int(),
  withFactor: z.int(),
  withSmsAlone: z.int(),
  elevatedWithout: z.int(),
});

/** Of those who are active. Codes by SMS are no factor of an owner or admin. */
export function coverageSummary(): Query<z.output<typeof Summary>> {
  const hasStrong = sql`coalesce("member_factors"."totp" + "member_factors"."passkey_count", 0) > 0`;
  const hasSms = sql`coalesce("member_factors"."sms", 0) > 0`;
  const isElevated = sql`"members"."role" in ('owner', 'admin')`;
  return {
    async statement({ tenantId }) {
      return statementOf(
        sql`select count(*) as "members", coalesce(sum(${hasStrong} or (${hasSms} and not ${isElevated})), 0) as "withFactor", coalesce(sum(${hasSms} and not ${hasStrong}), 0) as "withSmsAlone", coalesce(sum(${isElevated} and not ${hasStrong}), 0) as "elevatedWithout" from ${joined(tenantId)} and "members"."state" = 'active'`,
      );
    },
    decode: async (_context, [row]) => Summary.parse(row),
  };
}
