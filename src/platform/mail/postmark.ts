import { z } from "zod";
import { domainOf } from "#lib/email-address.ts";
import { askedWaitMs } from "#lib/retry-schedule.ts";
import { secondMs } from "#lib/time.ts";
import { fromUtf8 } from "#lib/utf8.ts";
import { boundedBody } from "#platform/bounded-body.ts";
import { systemNow } from "#platform/clock.ts";
import { withDeadline } from "#platform/deadline.ts";
import type { Env } from "#platform/env.ts";
import { log } from "#platform/log.ts";
import type { Mailer, MailToSend, Sender, Sending } from "./mailer.ts";

const timeoutMs = 10 * secondMs;
const mostBytes = 64 * 1024;
const leastSecret = 16;

const Answer = z.object({ ErrorCode: z.int(), MessageID: z.string().max(100).optional() });
/** Postmark's error codes that say something of the mail itself. Others are the operator's to mend, and the mail waits. */
const codes = { taken: 0, invalid: 300, inactive: 406 } as const;

export function postmarkFaults({
  POSTMARK_SERVER_TOKEN = "",
  POSTMARK_WEBHOOK_PASSWORD = "",
  POSTMARK_URL,
}: Env) {
  return [
    ...(POSTMARK_SERVER_TOKEN === "" ? ["POSTMARK_SERVER_TOKEN is not set"] : []),
    ...(POSTMARK_WEBHOOK_PASSWORD.length < leastSecret
      ? [`POSTMARK_WEBHOOK_PASSWORD has less than ${leastSecret} characters`]
      : []),
    ...(POSTMARK_URL === undefined || URL.canParse(POSTMARK_URL) ? [] : ["POSTMARK_URL is no URL"]),
  ];
}

/** What Postmark's webhooks say they are, by HTTP basic authentication; null where none was agreed with it. */
export function postmarkAuthorization({ POSTMARK_WEBHOOK_PASSWORD: password = "" }: Env): string | null {
  return password.length < leastSecret ? null : `Basic ${btoa(`postmark:${password}`)}`;
}

/** Postmark has no idempotency key: a mail that is sent twice bears the same Message-ID, by which readers know it again. */
export function postmarkMailer(env: Env, from: Sender): Mailer {
  const { POSTMARK_URL: base = "https://api.postmarkapp.com", POSTMARK_SERVER_TOKEN = "" } = env;
  const headers = {
    Accept: "application/json",
    "Content-Type": "application/json",
    "X-Postmark-Server-Token": POSTMARK_SERVER_TOKEN,
  };
  return {
    from,
    send: (mail) =>
      withDeadline(timeoutMs, async (signal) => {
        try {
          const body = JSON.stringify(messageOf(mail, from));
          const request = { method: "POST", headers, body, redirect: "manual", signal } as const;
          return await outcomeOf(mail.id, await fetch(new URL("/email", base), request));
        } catch {
          // Why may name hosts or hold what was sent; that it failed is enough.
          return tryAgain(mail.id, signal.aborted ? "timed-out" : "unreachable", null);
        }
      }),
  };
}

function messageOf({ id, to, subject, text, html }: MailToSend, { name, address }: Sender) {
  return {
    From: `"${name}" <${address}>`,
    To: to,
    Subject: subject,
    TextBody: text,
    HtmlBody: html,
    MessageStream: "outbound",
    // Links hold tokens: they lead to us and to nobody in between.
    TrackOpens: false,
    TrackLinks: "None",
    Headers: [
      { Name: "Message-ID", Value: `<${id}@${domainOf(address)}>` },
      { Name: "X-PM-KeepID", Value: "true" },
    ],
    Metadata: { mail: id },
  };
}

async function outcomeOf(id: string, answer: Response): Promise<Sending> {
  const { status } = answer;
  const askedMs = askedWaitMs(answer.headers.get("retry-after"), systemNow());
  const said = Answer.safeParse(jsonOf(fromUtf8(await boundedBody(answer, mostBytes))));
  const code = said.data?.ErrorCode;
  if (status === 200 && code === codes.taken)
    return { kind: "sent", providerId: said.data?.MessageID ?? null };
  if (status === 422 && (code === codes.inactive || code === codes.invalid)) {
    log("warn", "a mail was refused", { mail: id, vendor: "postmark", code });
    return { kind: "refused", because: code === codes.inactive ? "inactive" : "rejected" };
  }
  return tryAgain(id, `${status} ${code ?? ""}`.trim(), askedMs);
}

function tryAgain(mail: string, code: string, askedMs: number | null): Sending {
  log("warn", "a mail was not taken", { mail, vendor: "postmark", code });
  return { kind: "try-again", askedMs };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
