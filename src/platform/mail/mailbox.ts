import { z } from "zod";
import { systemNow } from "#platform/clock.ts";
import type { Env } from "#platform/env.ts";
import type { Mailer, Sender } from "./mailer.ts";

/** Versioned, as old and new code coexist. */
export const MailboxMail = z.object({
  v: z.literal(1),
  id: z.string(),
  atMs: z.number(),
  ...{ from: z.string(), to: z.string(), subject: z.string(), text: z.string() },
});
export type MailboxMail = z.output<typeof MailboxMail>;

const loopback = ["localhost", "127.0.0.1", "[::1]"];

/** Said twice, so that a variable carried into a deployment by mistake shows nobody's mail there. */
function isOpen(env: Env): boolean {
  return env.MAIL === "mailbox" && isLoopback(env);
}

/** Is this deployment on its developer's own machine. */
export function isLoopback({ PUBLIC_ORIGIN }: Pick<Env, "PUBLIC_ORIGIN">): boolean {
  return loopback.includes(URL.parse(PUBLIC_ORIGIN)?.hostname ?? "");
}

export function mailboxFaults(env: Env): string[] {
  if (!isOpen(env)) return ["the mailbox is for development, where PUBLIC_ORIGIN is of this machine"];
  return typeof env.MAILBOX?.getByName === "function" ? [] : ["the mailbox is not bound"];
}

/** In development: mail goes nowhere but to the page at /mailbox. */
export function mailboxMailer(env: Env, from: Sender): Mailer {
  return {
    from,
    async send({ id, to, subject, text }) {
      await putIntoMailbox(env, { id, from: from.name, to, subject, text });
      return { kind: "sent", providerId: null };
    },
  };
}

/** What would have left, at this moment. */
export async function putIntoMailbox(env: Env, mail: Omit<MailboxMail, "v" | "atMs">): Promise<void> {
  await theMailbox(env).put({ v: 1, atMs: systemNow(), ...mail } satisfies MailboxMail);
}

/** The last mails, newest first; null where there is no mailbox to look into. */
export async function mailboxMails(env: Env): Promise<MailboxMail[] | null> {
  return isOpen(env) ? z.array(MailboxMail).parse(await theMailbox(env).list()) : null;
}

function theMailbox({ MAILBOX }: Env) {
  return MAILBOX.getByName("mailbox");
}
