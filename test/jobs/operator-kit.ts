import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { expect } from "vitest";
import { consume } from "#jobs/consume.ts";
import { newId } from "#platform/ids.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { envWith, proxied, rowsOf } from "#test/world.ts";

export const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";

interface Sent {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** A deployment whose operator is told so; `run` hands its queue's messages to the consumer until there are none. */
export function operated(settings: Readonly<Record<string, string>>) {
  const waiting: unknown[] = [];
  const sent: Sent[] = [];
  const env: TestEnv = envWith({
    MAIL: "cloudflare",
    EMAIL: {
      send: async (mail: Sent) => {
        sent.push(mail);
        return { messageId: "<1@keyline.example>" };
      },
    },
    MAILS: proxied(testEnv().MAILS, {
      sendBatch: async (messages: Iterable<MessageSendRequest>) => {
        for (const { body } of messages) waiting.push(body);
      },
    }),
    ...settings,
  });
  const run = async () => {
    while (waiting.length > 0) {
      const bodies = waiting.splice(0).filter((body) => JSON.stringify(body).includes("operatorNoticeId"));
      const messages = bodies.map((body) => ({ id: newId("msg"), timestamp: new Date(), attempts: 1, body }));
      const batch = createMessageBatch("keyline-mail", messages);
      await consume(env, batch, Date.now());
      expect((await getQueueResult(batch, createExecutionContext())).retryMessages).toEqual([]);
    }
  };
  return { env, sent, run };
}

interface Received {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export async function receivedAt(url: string): Promise<Received[]> {
  const { received } = await (await fetch("https://outside.test/")).json<{ received: Received[] }>();
  return received.filter((each) => each.url === url);
}

/** By which carriers the operator is still to be told. */
export const left = () =>
  rowsOf(testEnv().DIRECTORY, "select carrier from operator_notices order by carrier");
