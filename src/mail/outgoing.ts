import { insert } from "#db/changes.ts";
import { timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { type MailData, type MailKind, mailVariables } from "./kinds.ts";
import { outgoingMails } from "./tables.ts";

export interface Mail<K extends MailKind> {
  readonly kind: K;
  readonly to: string;
  readonly data: MailData<K>;
  /** Whom it is about, where there is an account. */
  readonly userId: string | null;
}

/**
 * The change that writes a mail, to stand in the batch of what the mail is about: either both are so or neither. After
 * the commit `afterDirectoryCommit` wakes what sends it, and what that misses the sweeper finds. It costs the same
 * statements and the same message whether or not the mail will leave, which is decided there alone.
 */
export function mailTo<K extends MailKind>({ kind, to, data, userId }: Mail<K>, now: number) {
  const row = {
    id: newId("eml"),
    kind,
    recipient: to,
    data: JSON.stringify(mailVariables[kind].parse(data)),
    userId,
    attempts: 0,
    nextTryAt: timestamp(now),
  };
  return insert(outgoingMails, row, now);
}
