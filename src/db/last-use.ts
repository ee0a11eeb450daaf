import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { type DataKey, open, seal } from "#crypto/envelope.ts";
import { timestamp } from "#lib/time.ts";
import type { Query } from "./queries.ts";
import { statementOf } from "./statement.ts";
import { destroyedKid, subjectKeyColumns, subjectKeyJoin } from "./subject-keys.ts";
import type { TenantDriver } from "./tenant-driver.ts";

/** From where somebody came; null where that is not known. */
export interface Origin {
  readonly ip: string | null;
  /** City and country of the address, as the platform guesses them. */
  readonly place: string | null;
}

const Origin = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(z.object({ ip: z.string().nullable(), place: z.string().nullable() }));

export interface LastUse extends Origin {
  /** RFC 3339, a minute behind at most. */
  readonly at: string;
}

/** As it lies in the cell: under the key of the principal that came. */
export async function sealOrigin(
  key: DataKey,
  of: { readonly tenantId: string; readonly principalId: string },
  { ip, place }: Origin,
): Promise<string> {
  return await seal(key, addressOf(of.tenantId, of.principalId), JSON.stringify({ ip, place }));
}

function addressOf(tenant: string, row: string) {
  return { tenant, table: "last_uses", column: "origin", row };
}

/** When a principal was last let in, and from where. Technical: no version, no epoch, no audit row. */
export async function recordLastUse(
  driver: TenantDriver,
  principalId: string,
  usedAt: number,
  origin: string | null,
): Promise<void> {
  const { tenantId } = driver;
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
  await driver.execute(statements.map(statementOf));
}

const Stored = z.object({
  principalId: z.string(),
  at: z.string(),
  origin: z.string().nullable(),
  $kid: z.string().nullable(),
  $wrapped: z.string().nullable(),
});

/** Of the principals whose ids are in any of these sets, by id; where their key was destroyed, when alone. @throws SealError */
export function lastUses(sets: readonly SQL[], limit: number): Query<ReadonlyMap<string, LastUse>> {
  return {
    async statement({ tenantId }) {
      const who = sql`"last_uses"."principal_id"`;
      const isAmong = sql.join(
        sets.map((ids) => sql`${who} in (${ids})`),
        sql` or `,
      );
      return statementOf(
        sql`select ${who} as "principalId", "last_uses"."used_at" as "at", "last_uses"."origin", ${subjectKeyColumns(tenantId, who)} from "last_uses"${subjectKeyJoin(tenantId, who)} where "last_uses"."tenant_id" = ${tenantId} and (${isAmong}) limit ${limit}`,
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
        uses.set(principalId, { at, ...from });
      }
      return uses;
    },
  };
}
