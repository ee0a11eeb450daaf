import { sql } from "drizzle-orm";
import type { z } from "zod";
import { type Change, insert, mustNotExist, remove } from "#db/changes.ts";
import type { Row } from "#db/tenant-table.ts";
import type { DirectoryContext } from "#http/account-operation.ts";
import { Refusal, refuse } from "#http/outcome.ts";
import { uncounted } from "#identity/accounts/attempt.ts";
import { tell } from "#identity/identity-events.ts";
import { type SmsPurpose, smsCodes } from "#identity/tables.ts";
import { secondMs, timestamp } from "#lib/time.ts";
import { mailTo } from "#mail/outgoing.ts";
import { codeLivesMs } from "#mail/texts.ts";
import { maskedNumber, newCode } from "./code.ts";
import type { CodeSent } from "./schema.ts";

interface Asked {
  readonly userId: string;
  readonly number: string;
  readonly purpose: SmsPurpose;
  readonly boundTo: string;
  /** The code of before, which is void with the new one. */
  readonly before: Row<typeof smsCodes> | undefined;
  /** Whose budget it counts against. */
  readonly payer: string | null;
}

/** A code on its way: what is answered, and what brings it about. Nothing leaves that is not committed, or not paid for. */
export async function sendCode(
  { accounts, newId, now, requestId, visitor }: DirectoryContext,
  { userId, number, purpose, boundTo, before, payer }: Asked,
): Promise<{ readonly answer: z.input<typeof CodeSent>; readonly changes: readonly Change[] } | Refusal> {
  if (!accounts.canText) return refuse("sms-not-available");
  const asked = { id: requestId, number, userId, address: visitor.address, payer };
  const taken = await accounts.takeText(asked);
  if (taken.outcome === "unavailable") return uncounted;
  if (taken.outcome === "refused") {
    const retryAfterSeconds = Math.max(1, Math.ceil((taken.until - now) / secondMs));
    return new Refusal("too-many-texts", { retryAfterSeconds }, []);
  }
  const code = newCode();
  const hash = await accounts.hashSmsCode({ userId, purpose, boundTo }, code);
  const row = { id: newId("smc"), userId, purpose, hash, expiresAt: timestamp(now + codeLivesMs) };
  const isThere = sql`${smsCodes.userId} = ${userId} and ${smsCodes.purpose} = ${purpose}`;
  return {
    answer: { sentTo: maskedNumber(number), expiresInSeconds: codeLivesMs / secondMs },
    changes: [
      before ? remove(smsCodes, before) : mustNotExist(smsCodes, isThere, null),
      insert(smsCodes, row, now),
      mailTo({ kind: "sms-code", to: number, data: { code }, userId }, now),
      ...tell("mfa.code_sent", userId, { factor: "sms", purpose }),
    ],
  };
}
