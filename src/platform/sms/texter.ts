import type { Env } from "#platform/env.ts";
import { mailboxFaults, putIntoMailbox } from "#platform/mail/mailbox.ts";
import { type Sending, siteName } from "#platform/mail/mailer.ts";
import { twilioFaults, twilioTexter } from "./twilio.ts";

export interface TextToSend {
  /** The text's own, the same on every try. */
  readonly id: string;
  /** E.164. */
  readonly to: string;
  readonly text: string;
  /** How long it is worth anything: a carrier that has it waiting for longer is to drop it. */
  readonly validSeconds: number;
}

/** Carries short texts to telephones. */
export interface Texter {
  send(text: TextToSend): Promise<Sending>;
}

interface Vendor {
  /** What is not configured as it must be. */
  readonly faults: (env: Env) => string[];
  readonly texter: (env: Env) => Texter;
}

const vendors: Readonly<Record<string, Vendor>> = {
  twilio: { faults: twilioFaults, texter: twilioTexter },
  mailbox: { faults: mailboxFaults, texter: mailboxTexter },
};

/** Does this deployment send texts at all: it is off unless somebody turned it on, and can pay for it. */
export function canText(env: Env): boolean {
  return (env.SMS ?? "") !== "" && textFaults(env).length === 0;
}

/** Why no text can leave though it is turned on; nothing where it can, or is off. */
export function textFaults(env: Env): string[] {
  const { SMS = "" } = env;
  if (SMS === "") return [];
  const vendor = vendorOf(SMS);
  return vendor ? vendor.faults(env) : [`SMS is none of ${Object.keys(vendors).join(", ")}`];
}

/** @throws Error where no text can leave */
export function texterOf(env: Env): Texter {
  const vendor = vendorOf(env.SMS ?? "");
  const faults = textFaults(env);
  if (!vendor || faults.length > 0)
    throw new Error(`No text can leave: ${faults.join("; ") || "SMS is off"}.`);
  return vendor.texter(env);
}

function vendorOf(name: string): Vendor | undefined {
  return Object.hasOwn(vendors, name) ? vendors[name] : undefined;
}

/** In development: texts go nowhere but to the page at /mailbox, beside the mails. */
function mailboxTexter(env: Env): Texter {
  return {
    async send({ id, to, text }) {
      await putIntoMailbox(env, { id, from: siteName(env), to, subject: "A text message", text });
      return { kind: "sent", providerId: null };
    },
  };
}
