import { z } from "zod";
import { askedWaitMs } from "#lib/retry-schedule.ts";
import { secondMs } from "#lib/time.ts";
import { fromUtf8 } from "#lib/utf8.ts";
import { boundedBody } from "#platform/bounded-body.ts";
import { systemNow } from "#platform/clock.ts";
import { withDeadline } from "#platform/deadline.ts";
import type { Env } from "#platform/env.ts";
import { log } from "#platform/log.ts";
import type { Sending } from "#platform/mail/mailer.ts";
import type { Texter, TextToSend } from "./texter.ts";

const timeoutMs = 10 * secondMs;
const mostBytes = 64 * 1024;

const Answer = z.object({ sid: z.string().max(100).optional(), code: z.int().nullish() });

export function twilioFaults({
  TWILIO_ACCOUNT_SID = "",
  TWILIO_AUTH_TOKEN = "",
  SMS_FROM = "",
  TWILIO_URL,
}: Env): string[] {
  return [
    ...(/^AC[0-9a-f]{32}$/.test(TWILIO_ACCOUNT_SID) ? [] : ["TWILIO_ACCOUNT_SID is no account's"]),
    ...(TWILIO_AUTH_TOKEN === "" ? ["TWILIO_AUTH_TOKEN is not set"] : []),
    ...(/^(\+[1-9][0-9]{4,14}|MG[0-9a-f]{32})$/.test(SMS_FROM)
      ? []
      : ["SMS_FROM is neither a number nor a messaging service"]),
    ...(TWILIO_URL === undefined || URL.canParse(TWILIO_URL) ? [] : ["TWILIO_URL is no URL"]),
  ];
}

/** Twilio's Messages API. It has no idempotency key: who dies after sending sends once more. */
export function twilioTexter(env: Env): Texter {
  const {
    TWILIO_URL: base = "https://api.twilio.com",
    TWILIO_ACCOUNT_SID = "",
    TWILIO_AUTH_TOKEN = "",
  } = env;
  const path = `/2010-04-01/Accounts/${TWILIO_ACCOUNT_SID}/Messages.json`;
  const headers = {
    Accept: "application/json",
    Authorization: `Basic ${btoa(`${TWILIO_ACCOUNT_SID}:${TWILIO_AUTH_TOKEN}`)}`,
  };
  return {
    send: (text) =>
      withDeadline(timeoutMs, async (signal) => {
        try {
          const body = messageOf(text, env.SMS_FROM ?? "");
          const request = { method: "POST", headers, body, redirect: "manual", signal } as const;
          return await outcomeOf(text.id, await fetch(new URL(path, base), request));
        } catch {
          // Why may name hosts or hold what was sent; that it failed is enough.
          return tryAgain(text.id, signal.aborted ? "timed-out" : "unreachable", null);
        }
      }),
  };
}

function messageOf({ to, text, validSeconds }: TextToSend, from: string): URLSearchParams {
  return new URLSearchParams({
    To: to,
    [from.startsWith("MG") ? "MessagingServiceSid" : "From"]: from,
    Body: text,
    ValidityPeriod: String(validSeconds),
  });
}

async function outcomeOf(id: string, answer: Response): Promise<Sending> {
  const { status } = answer;
  const askedMs = askedWaitMs(answer.headers.get("retry-after"), systemNow());
  const said = Answer.safeParse(jsonOf(fromUtf8(await boundedBody(answer, mostBytes))));
  if (status === 201 && said.data?.sid !== undefined) return { kind: "sent", providerId: said.data.sid };
  const code = said.data?.code ?? null;
  // The number or the text will not do, and would not again; of why, Twilio asks nobody to rely on its codes. All else is
  // the operator's to mend, or passes.
  if (status === 400 && code !== null) {
    log("warn", "a text was refused", { text: id, vendor: "twilio", code });
    return { kind: "refused", because: "rejected" };
  }
  return tryAgain(id, `${status} ${code ?? ""}`.trim(), askedMs);
}

function tryAgain(text: string, code: string, askedMs: number | null): Sending {
  log("warn", "a text was not taken", { text, vendor: "twilio", code });
  return { kind: "try-again", askedMs };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
