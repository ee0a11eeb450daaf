import { beforeAll, expect, test, vi } from "vitest";
import { openDirectory } from "#db/directory.ts";
import { knownTexts } from "#db/firewall.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { afterDirectoryCommit } from "#http/after-commit.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { sweepMails } from "#jobs/send-mail.ts";
import { dayMs, hourMs, minuteMs, secondMs } from "#lib/time.ts";
import { mailTo } from "#mail/outgoing.ts";
import { changeAddress } from "#mail/suppressions.ts";
import { newId } from "#platform/ids.ts";
import { found, newCanaries } from "#test/canaries.ts";
import { testEnv } from "#test/env.ts";
import {
  carrier,
  deliver,
  newAddress,
  newMail,
  outcomesOf,
  refusing,
  resetMail,
  storedMail,
} from "#test/mail/kit.ts";
import { planOf } from "#test/query-plans.ts";
import { envWith, rowsOf, type Tap } from "#test/world.ts";

beforeAll(() => ensureDirectoryKeys(testEnv(), Date.now()));

test("a mail leaves once, and nothing of it stays but a note of what became of it", async () => {
  const { env, sent } = carrier();
  const mail = resetMail(newAddress());
  const id = await newMail(mail);
  expect(await deliver(id, env)).toBe("acknowledged");
  expect(sent).toMatchObject([
    { to: mail.to, subject: "Choose a new password for Keyline", headers: { "X-Keyline-Mail": id } },
  ]);
  expect(sent[0]?.text).toContain(mail.data.link);
  expect(await storedMail(id)).toEqual([]);
  expect(await outcomesOf(id)).toEqual([{ outcome: "sent", providerId: "<1@keyline.example>" }]);
  expect(await deliver(id, env)).toBe("acknowledged");
  expect(sent).toHaveLength(1);
});

test("what the vendor calls a mail is kept where it is an id, and not where it could tell of somebody", async () => {
  const mail = resetMail(newAddress());
  for (const messageId of [`<${mail.to.toUpperCase()}>`, "sent to Ada", "x".repeat(201), ""]) {
    const { env } = carrier(async () => ({ messageId }));
    const id = await newMail(mail);
    await deliver(id, env);
    expect(await outcomesOf(id), messageId).toEqual([{ outcome: "sent", providerId: null }]);
  }
});

test("of invitations an address gets five a day, by however many businesses; each once, however often it is tried", async () => {
  const { env, sent } = carrier();
  const to = newAddress();
  const invitation = (address: string, business: string) => {
    const data = { link: `${env.PUBLIC_ORIGIN}/join`, business, validMinutes: 60 };
    return newMail({ kind: "invitation", to: address, data, userId: null });
  };
  const ids = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      invitation(index % 2 ? to : to.toUpperCase(), `business-${index}`),
    ),
  );
  await Promise.all(ids.flatMap((id) => [deliver(id, env), deliver(id, env)]));
  expect(sent).toHaveLength(5);
  const ends = (await Promise.all(ids.map(outcomesOf))).flat();
  expect(ends.map((end) => Object(end).outcome).toSorted()).toEqual([
    ...Array(5).fill("sent"),
    ...Array(3).fill("too-many"),
  ]);
  // What they asked for themselves is no invitation, and others' are others'.
  for (const id of [await newMail(resetMail(to)), await invitation(newAddress(), "another")])
    await deliver(id, env);
  expect(sent).toHaveLength(7);
});

test("an invitation that nobody can count waits", async () => {
  const { env, sent } = carrier();
  const away = {
    ...env,
    BUDGETS: { getByName: () => ({ take: () => Promise.reject(new Error("away")) }) },
  } as unknown as typeof env;
  const data = { link: `${env.PUBLIC_ORIGIN}/join`, business: "harbour", validMinutes: 60 };
  const id = await newMail({ kind: "invitation", to: newAddress(), data, userId: null });
  expect(await deliver(id, away)).not.toBe("acknowledged");
  expect([sent.length, await storedMail(id)]).toEqual([0, [expect.anything()]]);
  await deliver(id, env);
  expect(sent).toHaveLength(1);
});

test("of ten consumers at once one sends", async () => {
  const { env, sent } = carrier();
  const id = await newMail(resetMail(newAddress()));
  await Promise.all(Array.from({ length: 10 }, () => deliver(id, env)));
  expect(sent).toHaveLength(1);
  expect(await outcomesOf(id)).toHaveLength(1);
  expect(await storedMail(id)).toEqual([]);
});

test("a commit whose request died before it told anybody is found by the sweeper", async () => {
  const { env, sent, woken } = carrier();
  const now = Date.now();
  const id = await newMail(resetMail(newAddress()), now);
  await sweepMails(env, now + 20 * secondMs);
  expect(woken).not.toContainEqual({ v: 1, mailId: id });
  await sweepMails(env, now + 31 * secondMs);
  expect(woken).toContainEqual({ v: 1, mailId: id });
  await deliver(id, env, now + 31 * secondMs);
  expect(sent).toHaveLength(1);
});

test("one that was sent and died before its row was gone is sent once more, under the same id, and not sooner", async () => {
  let isDead = true;
  const tap: Tap = async (texts, run) => {
    if (isDead && texts.some((text) => /^delete from "outgoing_mails"/.test(text)))
      throw new Error("Killed.");
    return await run();
  };
  const { env, sent, woken } = carrier(undefined, tap);
  const now = Date.now();
  const id = await newMail(resetMail(newAddress()), now);
  expect(await deliver(id, env, now)).toBe("retried");
  expect(await deliver(id, env, now + 30 * secondMs)).toBe("acknowledged");
  expect(sent).toHaveLength(1);
  isDead = false;
  const later = now + minuteMs + 31 * secondMs;
  await sweepMails(env, later);
  expect(woken).toContainEqual({ v: 1, mailId: id });
  await deliver(id, env, later);
  await deliver(id, env, later);
  expect(sent.map(({ headers }) => headers["X-Keyline-Mail"])).toEqual([id, id]);
  expect(await storedMail(id)).toEqual([]);
  expect(await outcomesOf(id)).toMatchObject([{ outcome: "sent" }]);
});

test("one whose row could never be removed is not sent for ever", async () => {
  let isBroken = true;
  const tap: Tap = async (texts, run) => {
    if (isBroken && texts.some((text) => /^delete from "outgoing_mails"/.test(text)))
      throw new Error("Broken.");
    return await run();
  };
  const { env, sent } = carrier(undefined, tap);
  const begun = Date.now();
  const id = await newMail(resetMail(newAddress()), begun);
  for (let minute = 0; minute < 30; minute += 1) await deliver(id, env, begun + minute * 2 * minuteMs);
  expect(sent).toHaveLength(10);
  isBroken = false;
  await deliver(id, env, begun + hourMs);
  expect([sent.length, await outcomesOf(id)]).toEqual([10, [{ outcome: "failed", providerId: null }]]);
});

test("a claim whose consumer died before it sent is another's a minute later", async () => {
  const dying = carrier(async () => await new Promise(() => undefined));
  const { env, sent } = carrier();
  const now = Date.now();
  const id = await newMail(resetMail(newAddress()), now);
  void deliver(id, dying.env, now);
  await vi.waitFor(() => expect(dying.sent).toHaveLength(1));
  await deliver(id, env, now + 59 * secondMs);
  expect(sent).toHaveLength(0);
  await deliver(id, env, now + 61 * secondMs);
  expect(sent).toHaveLength(1);
});

test("what the vendor cannot take now is tried again, further and further apart, and within a day not any more", async () => {
  const { env, sent } = carrier(refusing("E_RATE_LIMIT_EXCEEDED"));
  const begun = Date.now();
  const id = await newMail(resetMail(newAddress()), begun);
  vi.useFakeTimers({ toFake: ["Date"] });
  const waits: number[] = [];
  for (let tries = 0; tries < 20; tries += 1) {
    await deliver(id, env, Date.now());
    const [row] = await storedMail(id);
    if (!row) break;
    const next = Date.parse(String(row.next_try_at));
    waits.push((next - Date.now()) / secondMs);
    expect(await deliver(id, env, next - secondMs)).toBe("acknowledged");
    vi.setSystemTime(next);
  }
  const took = Date.now() - begun;
  vi.useRealTimers();
  expect(sent).toHaveLength(7);
  const near = [5, 300, 1800, 7200, 18_000, 36_000];
  for (const [index, wait] of waits.entries())
    expect(Math.abs(wait / (near[index] ?? 0) - 1)).toBeLessThanOrEqual(0.11);
  expect(waits).toHaveLength(6);
  expect(took).toBeLessThan(dayMs);
  expect(await outcomesOf(id)).toEqual([{ outcome: "failed", providerId: null }]);
});

test("a mail that the vendor will never take has failed at once", async () => {
  const { env, sent } = carrier(refusing("E_VALIDATION_ERROR"));
  const id = await newMail(resetMail(newAddress()));
  await deliver(id, env);
  expect([sent.length, await storedMail(id), await outcomesOf(id)]).toEqual([
    1,
    [],
    [{ outcome: "failed", providerId: null }],
  ]);
});

test("a mail of yesterday expires, whether a message or the sweeper comes by it", async () => {
  const { env, sent, woken } = carrier();
  const yesterday = Date.now() - dayMs;
  const [told, swept] = [
    await newMail(resetMail(newAddress()), yesterday),
    await newMail(resetMail(newAddress()), yesterday),
  ];
  await deliver(told, env);
  await sweepMails(env, Date.now());
  for (const id of [told, swept]) {
    expect(await storedMail(id)).toEqual([]);
    expect(await outcomesOf(id)).toEqual([{ outcome: "expired", providerId: null }]);
    expect(woken).not.toContainEqual({ v: 1, mailId: id });
  }
  expect(sent).toEqual([]);
});

test("an address that is suppressed gets none, however it is written, and others go on", async () => {
  const { env, sent } = carrier();
  const address = newAddress();
  const run = { job: "test.suppress", requestId: newId("run"), now: Date.now() };
  await changeAddress(await openDirectory(env), { address, suppress: "complained" }, run);
  const ids = [await newMail(resetMail(address)), await newMail(resetMail(` ${address.toUpperCase()} `))];
  for (const id of ids) await deliver(id, env);
  expect(sent).toEqual([]);
  for (const id of ids)
    expect([await storedMail(id), await outcomesOf(id)]).toEqual([
      [],
      [{ outcome: "suppressed", providerId: null }],
    ]);
  await deliver(await newMail(resetMail(newAddress())), env);
  expect(sent).toHaveLength(1);
});

test("an address that the vendor knows to be dead is asked for once", async () => {
  const { env, sent } = carrier(refusing("E_RECIPIENT_SUPPRESSED"));
  const address = newAddress();
  const ids = [await newMail(resetMail(address)), await newMail(resetMail(address))];
  for (const id of ids) await deliver(id, env);
  expect(sent).toHaveLength(1);
  for (const id of ids) expect(await outcomesOf(id)).toMatchObject([{ outcome: "suppressed" }]);
  expect(
    await rowsOf(env.DIRECTORY, "select reason from mail_suppressions order by created_at desc limit 1"),
  ).toEqual([{ reason: "inactive" }]);
});

test("a mail about no account costs what one about an account does until the consumer, where it ends", async () => {
  const written = async (mail: Parameters<typeof mailTo>[0]) => {
    const batches: (readonly string[])[] = [];
    const { env, woken, sent } = carrier(undefined, (texts, run) => {
      batches.push(texts);
      return run();
    });
    const directory = await openDirectory(env);
    batches.length = 0;
    const change = mailTo(mail, Date.now());
    await commitAsSystem(directory, { job: "test", requestId: newId("run"), now: Date.now() }, [change]);
    const committed = [...batches];
    await afterDirectoryCommit(env, [change]);
    expect(batches).toEqual(committed);
    await deliver(change.row.id, env);
    return { id: change.row.id, committed, woken, sent };
  };
  const known = await written({ ...resetMail(newAddress()), userId: newId("usr") });
  const unknown = await written({ kind: "reset-unknown", to: newAddress(), data: {}, userId: null });
  expect(unknown.committed).toEqual(known.committed);
  expect(known.committed).toHaveLength(1);
  expect([known.woken, unknown.woken]).toEqual([
    [{ v: 1, mailId: known.id }],
    [{ v: 1, mailId: unknown.id }],
  ]);
  expect([known.sent.length, unknown.sent.length]).toEqual([1, 0]);
  expect(await storedMail(unknown.id)).toEqual([]);
  expect(await outcomesOf(unknown.id)).toEqual([{ outcome: "nothing-to-send", providerId: null }]);
});

test("a queue that does not answer keeps no commit from being answered", async () => {
  const change = mailTo(resetMail(newAddress()), Date.now());
  const env = envWith({ MAILS: { sendBatch: () => Promise.reject(new Error("The queue is away.")) } });
  await expect(afterDirectoryCommit(env, [change])).resolves.toBeUndefined();
});

test("nothing personal stands in a message, in the log, or in a row of any table, whatever becomes of the mail", async () => {
  const printed: string[] = [];
  for (const level of ["info", "warn", "error"] as const)
    vi.spyOn(console, level).mockImplementation((line) => void printed.push(String(line)));
  const { people, words } = newCanaries();
  const codes = [null, "E_RECIPIENT_SUPPRESSED", "E_VALIDATION_ERROR", "E_DELIVERY_FAILED"];
  const messages: unknown[] = [];
  for (const [index, code] of codes.entries()) {
    const secret = words[index] ?? "";
    const address = people[index % people.length]?.email ?? "";
    const answer = code === null ? undefined : refusing(code);
    const { env, woken } = carrier(answer);
    const mail = mailTo(
      { ...resetMail(address), data: { link: `https://k.example/${secret}`, validMinutes: 5 } },
      Date.now(),
    );
    await commitAsSystem(
      await openDirectory(env),
      { job: "test", requestId: newId("run"), now: Date.now() },
      [mail],
    );
    await afterDirectoryCommit(env, [mail]);
    const stored = JSON.stringify(await storedMail(mail.row.id));
    expect(stored).toContain("v1.tky_");
    expect(found([...words, address], stored)).toEqual([]);
    await deliver(mail.row.id, envWith({ MAIL: "nobody" }));
    await deliver(mail.row.id, env);
    messages.push(...woken);
  }
  vi.restoreAllMocks();
  expect(printed.length).toBeGreaterThan(3);
  expect(messages).toHaveLength(codes.length);
  const { DIRECTORY } = testEnv();
  const kept = [
    await rowsOf(DIRECTORY, "select * from audit_log"),
    await rowsOf(DIRECTORY, "select * from mail_suppressions"),
    await rowsOf(DIRECTORY, "select * from outgoing_mails"),
    await rowsOf(DIRECTORY, "select * from events"),
  ];
  expect(found(words, JSON.stringify([printed, messages, kept]))).toEqual([]);
});

test("a mail that does not open is told of, keeps no other from leaving, and is gone a day later", async () => {
  const { env, sent, woken } = carrier();
  const now = Date.now();
  const [broken, whole] = [
    await newMail(resetMail(newAddress()), now),
    await newMail(resetMail(newAddress()), now),
  ];
  await rowsOf(
    testEnv().DIRECTORY,
    "update outgoing_mails set recipient = (select recipient from outgoing_mails where id = ?) where id = ?",
    whole,
    broken,
  );
  expect(await deliver(broken, env, now)).toBe("retried");
  await sweepMails(env, now + minuteMs);
  expect(woken).toContainEqual({ v: 1, mailId: whole });
  await deliver(whole, env, now + minuteMs);
  expect(sent).toHaveLength(1);
  const told = await rowsOf(
    testEnv().DIRECTORY,
    "select row from audit_log where operation = 'vault.open' and entity_id = ?",
    broken,
  );
  expect(told.map(({ row }) => JSON.parse(String(row)))).toMatchObject([
    { table: "outgoing_mails", column: "recipient" },
  ]);
  await sweepMails(env, now + dayMs);
  expect([await storedMail(broken), await outcomesOf(broken)]).toEqual([
    [],
    [{ outcome: "expired", providerId: null }],
  ]);
});

test("a mail of a kind that newer code wrote is left for newer code", async () => {
  const { env, sent } = carrier();
  const id = await newMail(resetMail(newAddress()));
  await rowsOf(testEnv().DIRECTORY, "update outgoing_mails set kind = 'of-next-year' where id = ?", id);
  expect(await deliver(id, env)).toBe("retried");
  expect(await storedMail(id)).toMatchObject([{ attempts: 0 }]);
  await rowsOf(testEnv().DIRECTORY, "update outgoing_mails set kind = 'reset-password' where id = ?", id);
  await deliver(id, env);
  expect(sent).toHaveLength(1);
});

test("where mail is misconfigured none is lost: it leaves once that is mended", async () => {
  const { env, sent } = carrier();
  const now = Date.now();
  const id = await newMail(resetMail(newAddress()), now);
  const broken = { MAIL: "pigeon", MAIL_FROM: "nobody", EMAIL: undefined, MAILS: undefined };
  for (const [name, value] of Object.entries(broken))
    expect(
      await deliver(id, envWith({ MAIL: "cloudflare", EMAIL: { send: vi.fn() }, [name]: value }), now),
      name,
    ).toBe("retried");
  expect(await storedMail(id)).toMatchObject([{ attempts: 0 }]);
  await deliver(id, env, now + hourMs);
  expect(sent).toHaveLength(1);
});

test("the sweeper and the suppressions are searched by their own indexes", async () => {
  const lookUps: [RegExp, string][] = [
    [
      /^select "outgoing_mails"."id" as "id"/,
      "outgoing_mails USING INDEX outgoing_mails_due (tenant_id=? AND next_try_at<?)",
    ],
    [
      /^select "mail_suppressions"/,
      "mail_suppressions USING INDEX sqlite_autoindex_mail_suppressions_2 (tenant_id=? AND recipient_token=?)",
    ],
  ];
  for (const [begins, step] of lookUps) {
    const texts = knownTexts().filter((text) => begins.test(text));
    expect(texts).toHaveLength(1);
    const plan = await planOf(testEnv().DIRECTORY, texts[0] ?? "");
    expect(plan.filter((each) => /^(SEARCH|SCAN)/.test(each))).toEqual([`SEARCH ${step}`]);
  }
});
