import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Query } from "#db/queries.ts";
import { statementOf } from "#db/statement.ts";
import { timestamp } from "#lib/time.ts";
import { mailKinds } from "./kinds.ts";
import { outgoingMails } from "./tables.ts";

const mostAtOnce = 500;
const Due = z.object({
  id: z.string(),
  version: z.int(),
  kind: z.enum(mailKinds),
  createdAt: z.string(),
});
export type DueMail = z.output<typeof Due>;

/** Mails to be tried by then, the longest due first. Not opened: one that cannot be shall keep no other from being found. */
export function dueMails(by: number): Query<DueMail[]> {
  const { tenantId: owner, id, version, kind, createdAt, nextTryAt } = outgoingMails;
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select ${id} as "id", ${version} as "version", ${kind} as "kind", ${createdAt} as "createdAt" from ${outgoingMails} indexed by "outgoing_mails_due" where ${owner} = ${tenantId} and ${nextTryAt} <= ${timestamp(by)} order by ${nextTryAt} limit ${mostAtOnce}`,
      ),
    decode: async (_context, rows) => z.array(Due).parse(rows),
  };
}
