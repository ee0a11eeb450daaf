import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { type DataKey, open, seal } from "#crypto/envelope.ts";
import { timestamp } from "#lib/time.ts";
import type { Query } from "./queries.ts";
import { type Statement, statementOf } from "./statement.ts";
import { destroyedKid, subjectKeyColumns, subjectKeyJoin } from "./subject-keys.ts";
import type { TenantDriver } from "./tenant-driver.ts";

/** From where somebody came; null where that is not known. */
export interface Origin {
  readonly ip: string | null;
  /** City and country of the address, as the platform guesses them. */
  readonly place: string | null;
}

/** Where it was for a time, as the platform guesses it by the address. */
const Spot = z.object({
  /** When it came there, ms since 1970. */
  at: z.number(),
  /** When it was last there; absent where an older version wrote it. */
  until: z.number().optional(),
  country: z.string(),
  /** In degrees, to a tenth of one; null where it is not known. */
  point: z.object({ latitude: z.number(), longitude: z.number() }).nullable(),
});
export type Spot = z.output<typeof Spot>;

const Seen = z.object({
  countries: z.array(z.string()),
  last: Spot,
  /** The last of which it is known where it lies; absent where `last` is it, or none is. */
  placed: Spot.optional(),
});
/** What is remembered of where somebody came from: the latest countries, and the last spots. */
export type Seen = z.output<typeof Seen>;

const Origin = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(
    z.object({
      ip: z.string().nullable(),
      place: z.string().nullable(),
      /** What a gate has yet to tell. */
      trail: z.array(Spot).default([]),
      seen: Seen.nullable().default(null),
    }),
  );

export interface LastUse extends Origin {
  /** RFC 3339, a minute behind at most. */
  readonly at: string;
}

/** As it lies in the cell: under the key of the principal that came. */
export async function sealOrigin(
  key: DataKey,
  of: { readonly tenantId: string; readonly principalId: string },
  origin: Origin & { readonly trail?: readonly Spot[]; readonly seen?: Seen | null },
): Promise<string> {
  return await seal(key, addressOf(of.tenantId, of.principalId), JSON.stringify(origin));
}

/** The same as it is read again. @throws SealError */
export async function openOrigin(
  key: DataKey,
  of: { readonly tenantId: string; readonly principalId: string },
  sealed: string,
) {
  return Origin.parse(await open(key, addressOf(of.tenantId, of.principalId), sealed));
}

function addressOf(tenant: string, row: string) {
  return { tenant, table: "last_uses", column: "origin", row };
}

/** When a principal was last let in, and from where. Technical: no version, no epoch, no audit row. */
export function recordedUse(
  tenantId: string,
  principalId: string,
  usedAt: number,
  origin: string | null,
): Statement[] {
  const at = timestamp(usedAt);
  const statements = [
    sql`update "last_uses" set "used_at" = ${at}, "origin" = ${origin} where "last_uses"."tenant_id" = ${tenantId} and "last_uses"."principal_id" = ${principalId}`,
    sql`insert into "last_uses" ("tenant_id", "principal_id", "used_at", "origin") select ${tenantId}, ${principalId}, ${at}, ${origin} where not exists (select 1 from "last_uses" where "last_uses"."tenant_id" = ${tenantId} and "last_uses"."principal_id" = ${principalId})`,
  ];
  if (principalId.startsWith("cli_"))
    statements.push(
      sql`update "oauth_clients" set "last_used_at" = ${at} where "oauth_clients"."tenant_id" = ${tenantId} and "oauth_clients"."id" = ${principalId}`,
    );
  if (principalId.startsWith("key_"))
    statements.push(
      sql`update "api_keys" set "last_used_at" = ${at} where "api_keys"."tenant_id" = ${tenantId} and "api_keys"."id" = ${principalId}`,
    );
  return statements.map(statementOf);
}

const Wrapped = z.object({ id: z.string(), wrapped: z.string() });
const Before = z.object({ usedAt: z.string(), origin: z.string().nullable() });
const Made = z.object({ createdAt: z.string() });

/** What there is of a principal before it is told that it came again, and the keys to open it with. */
export async function arrivalOf(driver: TenantDriver, principalId: string) {
  const { tenantId } = driver;
  const [tenantKeys = [], [subjectKey] = [], [before] = [], [made] = []] = await driver.execute(
    [
      sql`select "id", "wrapped" from "tenant_keys" where "tenant_keys"."tenant_id" = ${tenantId}`,
      sql`select "id", "wrapped" from "subject_keys" where "subject_keys"."tenant_id" = ${tenantId} and "subject_keys"."subject_id" = ${principalId}`,
      sql`select "used_at" as "usedAt", "origin" from "last_uses" where "last_uses"."tenant_id" = ${tenantId} and "last_uses"."principal_id" = ${principalId}`,
      sql`select "created_at" as "createdAt" from "api_keys" where "api_keys"."tenant_id" = ${tenantId} and "api_keys"."id" = ${principalId}`,
    ].map(statementOf),
  );
  const { usedAt, origin } = before ? Before.parse(before) : { usedAt: null, origin: null };
  return {
    tenantKeys: z.array(Wrapped).parse(tenantKeys),
    subjectKey: subjectKey ? Wrapped.parse(subjectKey) : null,
    usedAt,
    origin,
    createdAt: made ? Made.parse(made).createdAt : null,
  };
}

const Stored = z.object({
  principalId: z.string(),
  at: z.string(),
  origin: z.string().nullable(),
  $kid: z.string().nullable(),
  $wrapped: z.string().nullable(),
});

/**
 * Of the principals whose ids are in any of these sets, by id, those that came last; where their key was destroyed, when
 * alone. `since` is RFC 3339. @throws SealError
 */
export function lastUses(
  sets: readonly SQL[],
  limit: number,
  since = "",
): Query<ReadonlyMap<string, LastUse>> {
  return {
    async statement({ tenantId }) {
      const who = sql`"last_uses"."principal_id"`;
      const isAmong = sql.join(
        sets.map((ids) => sql`${who} in (${ids})`),
        sql` or `,
      );
      return statementOf(
        sql`select ${who} as "principalId", "last_uses"."used_at" as "at", "last_uses"."origin", ${subjectKeyColumns(tenantId, who)} from "last_uses"${subjectKeyJoin(tenantId, who)} where "last_uses"."tenant_id" = ${tenantId} and "last_uses"."used_at" >= ${since} and (${isAmong}) order by "last_uses"."used_at" desc limit ${limit}`,
      );
    },
    async decode({ tenantId, keys }, rows) {
      const uses = new Map<string, LastUse>();
      for (const { principalId, at, origin, $kid: id, $wrapped: wrapped } of z.array(Stored).parse(rows)) {
        const isOpen = origin !== null && id !== null && id !== destroyedKid && wrapped !== null;
        const from = isOpen
          ? Origin.parse(
              await open(
                await keys.ring.openSubjectKey(principalId, { id, wrapped }),
                addressOf(tenantId, principalId),
                origin,
              ),
            )
          : { ip: null, place: null };
        const { ip, place } = from;
        uses.set(principalId, { at, ip, place });
      }
      return uses;
    },
  };
}
