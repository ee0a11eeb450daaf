import { z } from "zod";
import { note, type Remove, update } from "#db/changes.ts";
import { openDirectory } from "#db/directory.ts";
import { users } from "#db/directory-tables.ts";
import { exactly } from "#db/queries.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import type { Row } from "#db/tenant-table.ts";
import { dueMails } from "#identity/mail/due-mails.ts";
import { written } from "#identity/mail/letter.tsx";
import { changeAddress, suppressionOf } from "#identity/mail/suppressions.ts";
import { outgoingMails } from "#identity/mail/tables.ts";
import { letterOf } from "#identity/mail/templates.ts";
import { mostTries, nextTryAt } from "#lib/retry-schedule.ts";
import { dayMs, minuteMs, secondMs, timestamp } from "#lib/time.ts";
import { chance } from "#platform/chance.ts";
import { systemNow } from "#platform/clock.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { mailerOf, type Sending } from "#platform/mail/mailer.ts";
import { wakeMails } from "#platform/wake-ups.ts";

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
 * Sends a mail, unless it is not to leave, and removes its row with a note of the outcome. At least once: whoever dies
 * between the two is followed by another try with the same id, and of many at once one claims it.
 */
export async function sendMail(env: Env, mailId: string, now: number): Promise<void> {
  const mailer = mailerOf(env);
  const directory = await openDirectory(env);
  const run = { job, requestId: newId("run"), now };
  const mail = await directory.get(outgoingMails, mailId);
  if (!mail || isWaiting(mail, now)) return;
  if (isTooOld(mail, now)) return await end(directory, mail, run, "expired");
  // So often it was tried that whatever follows the sending must fail each time.
  if (mail.attempts >= mostTries) return await end(directory, mail, run, "failed");
  const site = { name: mailer.from.name, origin: env.PUBLIC_ORIGIN };
  const isRegistered = asksWhose.includes(mail.kind) && (await hasAccount(directory, mail.recipient));
  const letter = isForNobody(mail) ? null : letterOf(mail.kind, mail.data, site, { isRegistered });
  if (!letter) return await end(directory, mail, run, "nothing-to-send");
  if (await suppressionOf(directory, mail.recipient)) return await end(directory, mail, run, "suppressed");
  const claimed = await claim(directory, mail, run);
  if (!claimed) return;
  const { id, recipient: to } = claimed;
  const sending = await mailer.send({ id, to, ...written(letter, site) });
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

function isTooOld({ createdAt }: Pick<MailRow, "createdAt">, now: number): boolean {
  return Date.parse(createdAt) + expiresMs <= now;
}

// What these say depends on whether the address has an account by the time they leave.
const asksWhose: readonly MailRow["kind"][] = ["sign-up", "verify-email"];

async function hasAccount(directory: TenantSession, email: string): Promise<boolean> {
  const { found } = await directory.read({ found: exactly(users, "emailToken", email, { limit: 1 }) });
  return found.length > 0;
}

// Written for an address that nobody has, as it is for one that somebody has.
function isForNobody({ kind, userId }: MailRow): boolean {
  return kind === "locked-out" && userId === null;
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

type Outcome = "sent" | "suppressed" | "failed" | "expired" | "nothing-to-send";

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
