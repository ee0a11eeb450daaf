import { users } from "#db/directory-tables.ts";
import { exactly } from "#db/queries.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import type { Row } from "#db/tenant-table.ts";
import { budgetPlace } from "#identity/budgets/budget-place.ts";
import { normaliseEmail } from "#lib/normalise.ts";
import { secondMs } from "#lib/time.ts";
import { isText } from "#mail/kinds.ts";
import { written } from "#mail/letter.ts";
import { suppressionOf } from "#mail/suppressions.ts";
import type { outgoingMails } from "#mail/tables.ts";
import { letterOf } from "#mail/templates.ts";
import { codeLivesMs, textOf } from "#mail/texts.ts";
import { systemNow } from "#platform/clock.ts";
import type { Env } from "#platform/env.ts";
import { mailerOf, type Sending, siteName } from "#platform/mail/mailer.ts";
import { texterOf } from "#platform/sms/texter.ts";

type MailRow = Row<typeof outgoingMails>;

/** Why it is not to leave, now or ever. */
export type NotLeaving = "suppressed" | "nothing-to-send" | "expired" | "too-many";

/**
 * How a stored mail leaves, by what carries its kind; each is asked once more with the same id where nobody knows whether
 * it was sent.
 * @throws Error where nothing is configured that could carry it
 */
export async function carriedBy(
  env: Env,
  directory: TenantSession,
  mail: MailRow,
): Promise<(() => Promise<Sending>) | NotLeaving> {
  return isText(mail.kind) ? carriedByTexter(env, mail) : await carriedByMailer(env, directory, mail);
}

async function carriedByMailer(env: Env, directory: TenantSession, mail: MailRow) {
  const { id, kind, data, recipient: to } = mail;
  const mailer = mailerOf(env);
  const site = { name: mailer.from.name, origin: env.PUBLIC_ORIGIN };
  const isRegistered = asksWhose.includes(kind) && (await hasAccount(directory, to));
  const letter = isForNobody(mail) ? null : letterOf(kind, data, site, { isRegistered });
  if (!letter) return "nothing-to-send";
  if (await suppressionOf(directory, to)) return "suppressed";
  if (kind === "invitation" && !(await isWithinBudget(env, directory, mail))) return "too-many";
  return async () => await mailer.send({ id, to, ...written(letter, site) });
}

function carriedByTexter(env: Env, { id, kind, data, recipient: to, createdAt }: MailRow) {
  if (!isText(kind)) return "nothing-to-send";
  const texter = texterOf(env);
  const text = textOf(kind, data, { name: siteName(env), origin: env.PUBLIC_ORIGIN });
  // By the clock, not by when the batch began: others of it may have taken their time.
  const validSeconds = Math.floor((Date.parse(createdAt) + codeLivesMs - systemNow()) / secondMs);
  if (validSeconds < leastValidSeconds) return "expired";
  return async () => await texter.send({ id, to, text, validSeconds });
}

/** Who gets a code has to have the time to type it in. */
const leastValidSeconds = 15;

// What these say depends on whether the address has an account by the time they leave.
const asksWhose: readonly MailRow["kind"][] = ["sign-up", "verify-email"];

async function hasAccount(directory: TenantSession, email: string): Promise<boolean> {
  const { found } = await directory.read({ found: exactly(users, "emailToken", email, { limit: 1 }) });
  return found.length > 0;
}

// Each business may invite whom it likes, and a hundred of them together fill nobody's mailbox. Whoever invites is not told.
async function isWithinBudget(
  env: Env,
  { keys }: TenantSession,
  { id, recipient }: MailRow,
): Promise<boolean> {
  const address = normaliseEmail(recipient) ?? recipient;
  const place = await budgetPlace(env, keys.ring.indexKey(), ["invited", address], id);
  const answer = await place.take();
  // Nothing is sent that nobody counts: it is tried again.
  if (answer === null) throw new Error("An invitation waits for its budget.");
  return answer.outcome === "admitted";
}

// Written for an address that nobody has, as it is for one that somebody has.
function isForNobody({ kind, userId }: MailRow): boolean {
  return kind === "locked-out" && userId === null;
}
