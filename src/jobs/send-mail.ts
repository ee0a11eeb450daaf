import { z } from "zod";
import { note, type Remove, update } from "#db/changes.ts";
import { openDirectory } from "#db/directory.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import type { Row } from "#db/tenant-table.ts";
import { mostTries, nextTryAt } from "#lib/retry-schedule.ts";
import { dayMs, minuteMs, secondMs, timestamp } from "#lib/time.ts";
import { dueMails } from "#mail/due-mails.ts";
import { isText } from "#mail/kinds.ts";
import { changeAddress } from "#mail/suppressions.ts";
import { outgoingMails } from "#mail/tables.ts";
import { codeLivesMs } from "#mail/texts.ts";
import { chance } from "#platform/chance.ts";
import { systemNow } from "#platform/clock.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import type { Sending } from "#platform/mail/mailer.ts";
import { wakeMails } from "#platform/wake-ups.ts";
import { carriedBy, type NotLeaving } from "./carriers.ts";

/** A wake-up: this mail is to be sent. It carries nothing of it. */
export const MailWakeUp = z.object({ v: z.literal(1), mailId: z.string() });

const job = "mail.send";
/** Longer than any try takes: who claimed a mail and is not done with it by then has died. */
const leaseMs = minuteMs;
const expiresMs = dayMs;
const sweepAfterMs = 30 * secondMs;

type MailRow = Row<typeof outgoingMails>;
type Named = Pick<MailRow, "id" | "version">;

/**
 * Sends a mail, or a text, unless it is not to leave, and removes its row with a note of the outcome. At least once:
 * whoever dies between the two is followed by another try with the same id, and of many at once one claims it.
 */
export async function sendMail(env: Env, mailId: string, now: number): Promise<void> {
  const directory = await openDirectory(env);
  const run = { job, requestId: newId("run"), now };
  const mail = await directory.get(outgoingMails, mailId);
  if (!mail || isWaiting(mail, now)) return;
  if (isTooOld(mail, now)) return await end(directory, mail, run, "expired");
  // So often it was tried that whatever follows the sending must fail each time.
  if (mail.attempts >= mostTries) return await end(directory, mail, run, "failed");
  const carried = await carriedBy(env, directory, mail);
  if (typeof carried === "string") return await end(directory, mail, run, carried);
  const claimed = await claim(directory, mail, run);
  if (!claimed) return;
  const sending = await carried();
  await settle(directory, claimed, { ...run, now: systemNow() }, sending);
}

/** Sends a wake-up for every mail that no message has led to, and takes away those that are too old to leave. */
export async function sweepMails(env: Env, now: number): Promise<void> {
  const directory = await openDirectory(env);
  const { due } = await directory.read({ due: dueMails(now - sweepAfterMs) });
  const tooOld = due.filter((mail) => isTooOld(mail, now));
  for (const mail of tooOld) await end(directory, mail, { job, requestId: newId("run"), now }, "expired");
  await wakeMails(
    env.MAILS,
    due.filter((mail) => !tooOld.includes(mail)).map(({ id }) => id),
  );
}

// One that nobody has tried waits for nobody, whatever another machine's clock said when it was written.
function isWaiting({ attempts, nextTryAt }: MailRow, now: number): boolean {
  return attempts > 0 && nextTryAt > timestamp(now);
}

function isTooOld({ kind, createdAt }: Pick<MailRow, "kind" | "createdAt">, now: number): boolean {
  return Date.parse(createdAt) + (isText(kind) ? codeLivesMs : expiresMs) <= now;
}

/** The mail as it is ours for a while; null where somebody else was first. */
async function claim(directory: TenantSession, mail: MailRow, run: SystemRun): Promise<MailRow | null> {
  const patch = { attempts: mail.attempts + 1, nextTryAt: timestamp(run.now + leaseMs) };
  const claiming = update(outgoingMails, mail, patch, run.now);
  return (await commitAsSystem(directory, run, [claiming])).kind === "committed" ? claiming.row : null;
}

async function settle(directory: TenantSession, mail: MailRow, run: SystemRun, sending: Sending) {
  if (sending.kind === "sent")
    return await end(directory, mail, run, "sent", plainId(sending.providerId, mail.recipient));
  if (sending.kind === "refused") {
    if (sending.because === "rejected") return await end(directory, mail, run, "failed");
    await changeAddress(directory, { address: mail.recipient, suppress: "inactive" }, run);
    return await end(directory, mail, run, "suppressed");
  }
  const next = nextTryAt({
    failures: mail.attempts,
    nowMs: run.now,
    askedMs: sending.askedMs,
    chance: chance(),
  });
  if (next === null || isTooOld(mail, next)) return await end(directory, mail, run, "failed");
  await commitAsSystem(directory, run, [
    update(outgoingMails, mail, { nextTryAt: timestamp(next) }, run.now),
  ]);
}

type Outcome = NotLeaving | "sent" | "failed";

// By id and version alone, so that a mail goes even where it cannot be opened. Where it is another's by now, nothing is done.
async function end(
  directory: TenantSession,
  { id, version }: Named,
  run: SystemRun,
  outcome: Outcome,
  providerId: string | null = null,
): Promise<void> {
  const gone: Remove = { kind: "remove", table: outgoingMails, before: { id, version } };
  const told = note("outgoing-mail", id, { outcome, providerId });
  await commitAsSystem(directory, run, [gone, told]);
}

// It stands in the audit in plain: an id and nothing that could be more.
function plainId(text: string | null, recipient: string): string | null {
  const isId = text !== null && /^[\w.<>@+-]{1,200}$/.test(text);
  return isId && !text.toLowerCase().includes(recipient.trim().toLowerCase()) ? text : null;
}
