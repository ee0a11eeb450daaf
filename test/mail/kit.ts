import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { expect } from "vitest";
import { openDirectory } from "#db/directory.ts";
import { platformTenant } from "#db/directory-tables.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { consume } from "#jobs/consume.ts";
import type { MailKind } from "#mail/kinds.ts";
import { type Mail, mailTo } from "#mail/outgoing.ts";
import { newId } from "#platform/ids.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { envWith, proxied, rowsOf, type Tap, tapped } from "#test/world.ts";

export const resetMail = (to: string) => ({
  kind: "reset-password" as const,
  to,
  data: { link: `https://keyline.example/reset?token=${newId("tok")}`, validMinutes: 60 },
  userId: null,
});

export function newAddress(word = "ada"): string {
  return `${word}-${newId("x").slice(2)}@mail.example`;
}

/** Writes a mail as an operation would, and tells nobody. */
export async function newMail<K extends MailKind>(mail: Mail<K>, now = Date.now()): Promise<string> {
  const change = mailTo(mail, now);
  const run = { job: "test.write", requestId: newId("run"), now };
  const outcome = await commitAsSystem(await openDirectory(testEnv()), run, [change]);
  expect(outcome.kind).toBe("committed");
  return change.row.id;
}

/** Hands one message to the consumer, and says what it did with it. */
export async function deliver(mailId: string, env: TestEnv = testEnv(), now = Date.now()) {
  const body = { v: 1, mailId };
  const batch = createMessageBatch("keyline-mail", [
    { id: newId("msg"), timestamp: new Date(now), attempts: 1, body },
  ]);
  await consume(env, batch, now);
  const { retryMessages } = await getQueueResult(batch, createExecutionContext());
  return retryMessages.length > 0 ? "retried" : "acknowledged";
}

export interface Sent {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A deployment whose mail is carried by Cloudflare's binding, or by what stands in for it. */
export function carrier(answer: () => Promise<{ messageId: string }> = taken, tap?: Tap) {
  const sent: Sent[] = [];
  const woken: unknown[] = [];
  const { DIRECTORY, MAILS } = testEnv();
  const env = envWith({
    MAIL: "cloudflare",
    EMAIL: {
      send: async (mail: Sent) => {
        sent.push(mail);
        return await answer();
      },
    },
    MAILS: proxied(MAILS, {
      sendBatch: async (messages: Iterable<MessageSendRequest>) => {
        for (const { body } of messages) woken.push(body);
      },
    }),
    ...(tap ? { DIRECTORY: tapped(DIRECTORY, tap) } : {}),
  });
  return { env, sent, woken };
}

async function taken() {
  return { messageId: "<1@keyline.example>" };
}

/** A refusal by the binding, as its documentation lists them. */
export function refusing(code: string) {
  return async () => {
    throw Object.assign(new Error("No mail for ada@mail.example"), { code });
  };
}

export function storedMail(mailId: string) {
  return rowsOf(testEnv().DIRECTORY, "select * from outgoing_mails where id = ?", mailId);
}

/** What the audit says became of it, in the order it happened. */
export async function outcomesOf(mailId: string): Promise<unknown[]> {
  const rows = await rowsOf<{ row: string }>(
    testEnv().DIRECTORY,
    "select row from audit_log where tenant_id = ? and entity = 'outgoing-mail' and entity_id = ? and action = 'note' order by seq",
    platformTenant,
    mailId,
  );
  return rows.map(({ row }) => JSON.parse(row));
}
