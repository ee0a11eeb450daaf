import { z } from "zod";
import { type Change, insert, mustNotExist } from "#db/changes.ts";
import type { DirectoryContext } from "#http/account-operation.ts";
import { tell } from "#identity/identity-events.ts";
import { federatedIdentities } from "#identity/tables.ts";
import { timestamp } from "#lib/time.ts";
import { mailTo } from "#mail/outgoing.ts";
import { isSubject, type Subject } from "./queries.ts";

/** Who somebody is at another issuer, and through whom it speaks. */
const Known = z.object({ source: z.string(), issuer: z.string(), subject: z.string() });
export type Known = z.output<typeof Known>;

/** As a challenge keeps it. */
export function knownIn(text: string): Known {
  return Known.parse(JSON.parse(text));
}

export async function subjectOf(
  { accounts }: Pick<DirectoryContext, "accounts">,
  { source, issuer, subject }: Known,
): Promise<Subject> {
  return { source, issuer, subjectToken: await accounts.subjectToken(subject) };
}

/** From now on they are known by it; they are told by mail. */
export function connected(
  context: Pick<DirectoryContext, "accounts" | "newId" | "now">,
  user: { readonly id: string; readonly email: string },
  known: Known,
  subject: Subject,
  otherwise: Parameters<typeof mustNotExist>[2] = null,
): Change[] {
  const { now, accounts } = context;
  const data = {
    at: timestamp(now),
    issuer: new URL(known.issuer).hostname,
    change: "connected" as const,
    accountLink: `${accounts.issuer}/account`,
  };
  return [
    mustNotExist(federatedIdentities, isSubject(subject), otherwise),
    insert(federatedIdentities, identityRow(context, user.id, known), now),
    ...tell("user.identity_connected", user.id, { source: known.source }),
    mailTo({ kind: "identity-changed", to: user.email, data, userId: user.id }, now),
  ];
}

export function identityRow(
  { newId, now }: Pick<DirectoryContext, "newId" | "now">,
  userId: string,
  { source, issuer, subject }: Known,
) {
  return { id: newId("fid"), userId, source, issuer, subject, lastUsedAt: timestamp(now) };
}
