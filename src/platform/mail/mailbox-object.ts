import { DurableObject } from "cloudflare:workers";
import type { Env, MailboxRpc } from "#platform/env.ts";
import { MailboxMail } from "./mailbox.ts";

const mostKept = 100;

/** The mails of a deployment under development, as they would have left. A mail's id is its key, so it stands there once. */
export class Mailbox extends DurableObject<Env> implements MailboxRpc {
  async put(mail: unknown): Promise<void> {
    const { storage } = this.ctx;
    const parsed = MailboxMail.parse(mail);
    await storage.put(parsed.id, parsed);
    const ids = [...(await storage.list({ reverse: true })).keys()];
    await storage.delete(ids.slice(mostKept, mostKept + 100));
  }

  async list(): Promise<unknown> {
    return [...(await this.ctx.storage.list({ reverse: true, limit: mostKept })).values()];
  }
}
