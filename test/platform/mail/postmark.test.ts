import { expect, test, vi } from "vitest";
import { secondMs } from "#lib/time.ts";
import { mailerOf } from "#platform/mail/mailer.ts";
import { newAddress } from "#test/mail/kit.ts";
import { postmarkBindings } from "#test/postmark-server.ts";
import { envWith } from "#test/world.ts";

const env = envWith({ MAIL: "postmark", MAIL_FROM: "Harbour <hello@harbour.example>" });

function send(to: string, bindings: object = {}) {
  const mail = { id: "eml_1", to, subject: "A subject", text: "A text", html: "<p>A text</p>" };
  const mailer = mailerOf(envWith({ MAIL: env.MAIL, MAIL_FROM: env.MAIL_FROM, ...bindings }));
  return mailer.send(mail);
}

async function takenFor(to: string) {
  const answer = await fetch(`${postmarkBindings.POSTMARK_URL}/taken?to=${encodeURIComponent(to)}`);
  return await answer.json<{ mail: Record<string, unknown> }[]>();
}

test("a mail is posted with its own Message-ID, kept by Postmark, and follows nobody's clicks", async () => {
  const to = newAddress();
  const sending = await send(to);
  expect(sending).toEqual({ kind: "sent", providerId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  const [{ mail } = { mail: {} }, ...more] = await takenFor(to);
  expect(more).toEqual([]);
  expect(mail).toEqual({
    From: '"Harbour" <hello@harbour.example>',
    To: to,
    Subject: "A subject",
    TextBody: "A text",
    HtmlBody: "<p>A text</p>",
    MessageStream: "outbound",
    TrackOpens: false,
    TrackLinks: "None",
    Headers: [
      { Name: "Message-ID", Value: "<eml_1@harbour.example>" },
      { Name: "X-PM-KeepID", Value: "true" },
    ],
    Metadata: { mail: "eml_1" },
  });
});

/** By hand: how Postmark answers, and what that means for the mail. */
const answers: Readonly<Record<string, object>> = {
  inactive: { kind: "refused", because: "inactive" },
  invalid: { kind: "refused", because: "rejected" },
  unapproved: { kind: "try-again", askedMs: null },
  busy: { kind: "try-again", askedMs: 600 * secondMs },
  down: { kind: "try-again", askedMs: null },
  broken: { kind: "try-again", askedMs: null },
  captive: { kind: "try-again", askedMs: null },
  huge: { kind: "try-again", askedMs: null },
  elsewhere: { kind: "try-again", askedMs: null },
};

for (const [word, expected] of Object.entries(answers)) {
  test(`an answer of the kind "${word}" is understood, and told of without a name`, async () => {
    const printed = vi.spyOn(console, "warn").mockReturnValue();
    const to = newAddress(word);
    expect(await send(to)).toEqual(expected);
    const lines = printed.mock.calls.map(([line]) => String(line));
    printed.mockRestore();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("eml_1");
    expect(lines[0]).not.toContain(to);
  });
}

test("a wrong token, and a host that is not there, are no reason to give a mail up", async () => {
  expect(await send(newAddress(), { POSTMARK_SERVER_TOKEN: "another's" })).toMatchObject({
    kind: "try-again",
  });
  expect(await send(newAddress(), { POSTMARK_URL: "http://localhost:1" })).toMatchObject({
    kind: "try-again",
  });
});

test("an answer that does not come is waited for ten seconds", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const sending = send(newAddress("slow"));
  await vi.advanceTimersByTimeAsync(9999);
  expect(await Promise.race([sending, Promise.resolve("waits")])).toBe("waits");
  await vi.advanceTimersByTimeAsync(1);
  expect(await sending).toEqual({ kind: "try-again", askedMs: null });
  vi.useRealTimers();
});
