import { beforeAll, expect, test, vi } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { sweepMails } from "#jobs/send-mail.ts";
import { minuteMs } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { mailboxMails } from "#platform/mail/mailbox.ts";
import { testEnv } from "#test/env.ts";
import { deliver, newMail, outcomesOf, storedMail } from "#test/mail/kit.ts";
import { twilioBindings } from "#test/twilio-server.ts";
import { envWith } from "#test/world.ts";

beforeAll(() => ensureDirectoryKeys(testEnv(), Date.now()));

const byTwilio = envWith({ SMS: "twilio" });
let numbers = 0;

function newNumber(last = "777"): string {
  numbers += 1;
  return `+3197020${String(numbers).padStart(4, "0")}${last}`;
}

const newText = (to: string, now = Date.now()) =>
  newMail({ kind: "sms-code", to, data: { code: "024680" }, userId: newId("usr") }, now);

async function takenFor(to: string): Promise<Record<string, string>[]> {
  const answer = await fetch(`${twilioBindings.TWILIO_URL}/taken?to=${encodeURIComponent(to)}`);
  return await answer.json();
}

test("a text leaves once by what carries texts, and nothing of it stays but a note", async () => {
  const to = newNumber();
  const id = await newText(to);
  expect(await deliver(id, byTwilio)).toBe("acknowledged");
  const [text, ...more] = await takenFor(to);
  expect(more).toEqual([]);
  expect(text?.Body).toContain("024680 is your code for Keyline");
  expect(Number(text?.ValidityPeriod)).toBeGreaterThan(280);
  expect(Number(text?.ValidityPeriod)).toBeLessThanOrEqual(300);
  expect(await storedMail(id)).toEqual([]);
  expect(await outcomesOf(id)).toEqual([{ outcome: "sent", providerId: `SM${"1b".repeat(16)}` }]);
});

test("in development it is in the mailbox, beside the mails", async () => {
  const to = newNumber();
  await deliver(await newText(to));
  const mails = await mailboxMails(testEnv());
  expect(mails?.find((mail) => mail.to === to)).toMatchObject({ subject: "A text message" });
});

test("a code that is older than five minutes is never sent, whether a message or the sweeper finds it", async () => {
  const now = Date.now();
  const [late, slow, left] = [newNumber(), newNumber(), newNumber()];
  const lateId = await newText(late, now - 5 * minuteMs);
  await deliver(lateId, byTwilio, now);
  expect(await outcomesOf(lateId)).toEqual([{ outcome: "expired", providerId: null }]);
  // The batch began in time, and others of it took theirs.
  const slowId = await newText(slow, now - 5 * minuteMs);
  await deliver(slowId, byTwilio, now - minuteMs);
  expect(await outcomesOf(slowId)).toEqual([{ outcome: "expired", providerId: null }]);
  const leftId = await newText(left, now - 6 * minuteMs);
  await sweepMails(byTwilio, now);
  expect(await outcomesOf(leftId)).toEqual([{ outcome: "expired", providerId: null }]);
  for (const to of [late, slow, left]) expect(await takenFor(to)).toEqual([]);
});

test("one that was not taken is tried again while its code is good, and then given up", async () => {
  const printed = vi.spyOn(console, "warn").mockReturnValue();
  const now = Date.now();
  const to = newNumber("503");
  const id = await newText(to, now);
  await deliver(id, byTwilio, now);
  expect(await storedMail(id)).toMatchObject([{ attempts: 1 }]);
  // So late that the next try, five minutes off or a little less, would come when the code is none any more.
  vi.setSystemTime(now + 2 * minuteMs);
  await deliver(id, byTwilio, now + 2 * minuteMs);
  expect(await takenFor(to)).toHaveLength(2);
  vi.useRealTimers();
  expect(await outcomesOf(id)).toEqual([{ outcome: "failed", providerId: null }]);
  printed.mockRestore();
});

test("where texts are off meanwhile, it waits and expires, and nothing else is held up", async () => {
  const printed = vi.spyOn(console, "error").mockReturnValue();
  const off = envWith({ SMS: "" });
  const id = await newText(newNumber());
  expect(await deliver(id, off)).toBe("retried");
  expect(await storedMail(id)).toHaveLength(1);
  await sweepMails(off, Date.now() + 6 * minuteMs);
  expect(await outcomesOf(id)).toEqual([{ outcome: "expired", providerId: null }]);
  printed.mockRestore();
});
