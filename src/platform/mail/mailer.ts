import { isNobodys } from "#lib/security-txt.ts";
import type { Env } from "#platform/env.ts";
import { cloudflareFaults, cloudflareMailer } from "./cloudflare.ts";
import { isLoopback, mailboxFaults, mailboxMailer } from "./mailbox.ts";
import { postmarkFaults, postmarkMailer } from "./postmark.ts";

export interface MailToSend {
  /** The mail's own, the same on every try. */
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export interface Sender {
  readonly name: string;
  readonly address: string;
}

/** How a vendor took a mail. "inactive": it will take none for that address, whatever we write. */
export type Sending =
  | { readonly kind: "sent"; readonly providerId: string | null }
  | { readonly kind: "refused"; readonly because: "inactive" | "rejected" }
  | { readonly kind: "try-again"; readonly askedMs: number | null };

export interface Mailer {
  readonly from: Sender;
  send(mail: MailToSend): Promise<Sending>;
}

interface Vendor {
  /** What is not configured as it must be. */
  readonly faults: (env: Env) => string[];
  readonly mailer: (env: Env, from: Sender) => Mailer;
}

const vendors: Readonly<Record<string, Vendor>> = {
  cloudflare: { faults: cloudflareFaults, mailer: cloudflareMailer },
  postmark: { faults: postmarkFaults, mailer: postmarkMailer },
  mailbox: { faults: mailboxFaults, mailer: mailboxMailer },
};

/** Why no mail can leave as this deployment is configured; nothing where it can. */
export function mailFaults(env: Env): string[] {
  const vendor = vendorOf(env);
  return [
    ...(vendor ? vendor.faults(env) : [`MAIL is none of ${Object.keys(vendors).join(", ")}`]),
    ...senderFaults(env),
    ...(typeof env.MAILS?.sendBatch === "function" ? [] : ["the queue of mails is not bound"]),
  ];
}

/** @throws Error where no mail can leave */
export function mailerOf(env: Env): Mailer {
  const [vendor, from] = [vendorOf(env), senderOf(env)];
  const faults = mailFaults(env);
  if (!vendor || !from || faults.length > 0) throw new Error(`No mail can leave: ${faults.join("; ")}.`);
  return vendor.mailer(env, from);
}

/** What people know this deployment by: as its mails are signed. */
export function siteName(env: Env): string {
  return senderOf(env)?.name ?? new URL(env.PUBLIC_ORIGIN).host;
}

function vendorOf({ MAIL = "" }: Env): Vendor | undefined {
  return Object.hasOwn(vendors, MAIL) ? vendors[MAIL] : undefined;
}

function senderFaults(env: Env): string[] {
  const sender = senderOf(env);
  if (!sender) return ['MAIL_FROM is not of the form "Name <address>"'];
  return isNobodys(sender.address) && !isLoopback(env) ? ["MAIL_FROM is still the example's"] : [];
}

function senderOf({ MAIL_FROM = "" }: Env): Sender | null {
  const [, name, address] =
    /^([^<>"\p{Cc}]{1,100}?) *<([^\s<>@]{1,64}@[^\s<>@]{1,190})>$/u.exec(MAIL_FROM) ?? [];
  return name !== undefined && address !== undefined ? { name, address } : null;
}
