import { sql } from "drizzle-orm";
import { z } from "zod";
import { sessions, strangerMonths } from "#db/directory-tables.ts";
import type { Query } from "#db/queries.ts";
import { statementOf } from "#db/statement.ts";
import {
  emailChanges,
  federatedArrivals,
  oneTimeLinks,
  signInChallenges,
  signUps,
  smsCodes,
  smsFactors,
  totpFactors,
} from "#identity/tables.ts";
import { dayMs, monthOf, timestamp } from "#lib/time.ts";

/** Of each kind. */
export const mostAtOnce = 50;
/** How long one can see where one was signed in, and what a link was for; who never confirmed is forgotten at once. */
const keptMs = 30 * dayMs;
/** A year of what unknown callers did, after the month itself. */
const strangersKeptMs = 396 * dayMs;

const Named = z.object({ id: z.string(), version: z.int() });
export type Named = z.output<typeof Named>;

const dated = {
  signUps: { table: signUps, index: "sign_ups_by_expiry", keptMs: dayMs },
  links: { table: oneTimeLinks, index: "one_time_links_by_expiry", keptMs },
  sessions: { table: sessions, index: "sessions_by_expiry", keptMs },
  emailChanges: { table: emailChanges, index: "email_changes_by_expiry", keptMs: dayMs },
  arrivals: { table: federatedArrivals, index: "federated_arrivals_by_expiry", keptMs: dayMs },
  challenges: { table: signInChallenges, index: "sign_in_challenges_by_expiry", keptMs: dayMs },
  smsCodes: { table: smsCodes, index: "sms_codes_by_expiry", keptMs: dayMs },
} as const;

/** Rows whose time is over, by id and version alone: one that cannot be opened goes as well. */
export function expired(kind: keyof typeof dated, now: number): Query<Named[]> {
  const { table, index, keptMs: kept } = dated[kind];
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select ${table.id} as "id", ${table.version} as "version" from ${table} indexed by ${sql.identifier(index)} where ${table.tenantId} = ${tenantId} and ${table.expiresAt} <= ${timestamp(now - kept)} order by ${table.expiresAt} limit ${mostAtOnce}`,
      ),
    decode: async (_context, rows) => z.array(Named).parse(rows),
  };
}

const begun = {
  totps: { table: totpFactors, index: "totp_factors_by_age" },
  smses: { table: smsFactors, index: "sms_factors_by_age" },
} as const;

/** Authenticators, and numbers, that somebody began to set up and never did. */
export function unconfirmed(kind: keyof typeof begun, now: number): Query<Named[]> {
  const { table, index } = begun[kind];
  const { tenantId: owner, id, version, state, createdAt } = table;
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select ${id} as "id", ${version} as "version" from ${table} indexed by ${sql.identifier(index)} where ${owner} = ${tenantId} and ${state} = 'pending' and ${createdAt} <= ${timestamp(now - dayMs)} order by ${createdAt} limit ${mostAtOnce}`,
      ),
    decode: async (_context, rows) => z.array(Named).parse(rows),
  };
}

/** The months whose strangers' key is to be destroyed. */
export function pastStrangers(now: number): Query<Named[]> {
  const { tenantId: owner, id, version, month } = strangerMonths;
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select ${id} as "id", ${version} as "version" from ${strangerMonths} where ${owner} = ${tenantId} and ${month} < ${monthOf(now - strangersKeptMs)} order by ${month} limit ${mostAtOnce}`,
      ),
    decode: async (_context, rows) => z.array(Named).parse(rows),
  };
}
