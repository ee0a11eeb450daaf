import { expect, test, vi } from "vitest";
import { mailerOf } from "#platform/mail/mailer.ts";
import { testEnv } from "#test/env.ts";
import { newAddress } from "#test/mail/kit.ts";
import { envWith } from "#test/world.ts";

function send(bindings: object = {}) {
  const to = newAddress();
  const mail = { id: "eml_1", to, subject: "A subject", text: "A text", html: "<p>A text</p>" };
  return mailerOf(envWith({ MAIL: "cloudflare", ...bindings })).send(mail);
}

test("the platform's own binding takes a mail as it is given", async () => {
  expect(typeof testEnv().EMAIL?.send).toBe("function");
  expect(await send()).toEqual({ kind: "sent", providerId: expect.stringMatching(/\S/) });
});

/** By hand, from the platform's table of errors. */
const codes: Readonly<Record<string, object>> = {
  E_RECIPIENT_SUPPRESSED: { kind: "refused", because: "inactive" },
  E_VALIDATION_ERROR: { kind: "refused", because: "rejected" },
  E_FIELD_MISSING: { kind: "refused", because: "rejected" },
  E_RECIPIENT_NOT_ALLOWED: { kind: "refused", because: "rejected" },
  E_CONTENT_TOO_LARGE: { kind: "refused", because: "rejected" },
  E_SENDER_NOT_VERIFIED: { kind: "try-again", askedMs: null },
  E_SENDER_DOMAIN_NOT_AVAILABLE: { kind: "try-again", askedMs: null },
  E_RATE_LIMIT_EXCEEDED: { kind: "try-again", askedMs: null },
  E_DAILY_LIMIT_EXCEEDED: { kind: "try-again", askedMs: null },
  E_DELIVERY_FAILED: { kind: "try-again", askedMs: null },
  E_INTERNAL_SERVER_ERROR: { kind: "try-again", askedMs: null },
  E_OF_NEXT_YEAR: { kind: "try-again", askedMs: null },
};

for (const [code, expected] of Object.entries(codes)) {
  test(`${code} is understood, and told of by its code alone`, async () => {
    const printed = vi.spyOn(console, "warn").mockReturnValue();
    const refuse = async () => Promise.reject(Object.assign(new Error("not to ada@mail.example"), { code }));
    expect(await send({ EMAIL: { send: refuse } })).toEqual(expected);
    const lines = printed.mock.calls.map(([line]) => JSON.parse(String(line)));
    printed.mockRestore();
    expect(lines).toEqual([
      { level: "warn", message: "a mail was not taken", mail: "eml_1", vendor: "cloudflare", code },
    ]);
  });
}

test("what is thrown without a code, or with a sentence for one, is tried again and not printed", async () => {
  const printed = vi.spyOn(console, "warn").mockReturnValue();
  const thrown = [new Error("ada@mail.example"), "ada@mail.example", { code: 5 }];
  const sentence = Object.assign(new Error("no"), { code: "E_OF ada@mail.example" });
  for (const error of [...thrown, sentence])
    expect(await send({ EMAIL: { send: () => Promise.reject(error) } })).toMatchObject({ kind: "try-again" });
  expect(printed).toHaveBeenCalledTimes(4);
  expect(JSON.stringify(printed.mock.calls)).not.toContain("ada");
  printed.mockRestore();
});

test("a binding that does not answer is waited for ten seconds", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const sending = send({ EMAIL: { send: () => new Promise(() => undefined) } });
  await vi.advanceTimersByTimeAsync(9999);
  expect(await Promise.race([sending, Promise.resolve("waits")])).toBe("waits");
  await vi.advanceTimersByTimeAsync(1);
  expect(await sending).toEqual({ kind: "try-again", askedMs: null });
  vi.useRealTimers();
});
