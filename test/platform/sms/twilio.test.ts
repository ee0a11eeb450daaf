import { expect, test, vi } from "vitest";
import { secondMs } from "#lib/time.ts";
import { canText, texterOf, textFaults } from "#platform/sms/texter.ts";
import { twilioBindings } from "#test/twilio-server.ts";
import { envWith } from "#test/world.ts";

let numbers = 0;

/** A number of nobody's that Twilio answers by its last three digits. */
function newNumber(last = "777"): string {
  numbers += 1;
  return `+3197010${String(numbers).padStart(4, "0")}${last}`;
}

function send(to: string, bindings: object = {}) {
  const text = { id: "eml_1", to, text: "123456 is your code.", validSeconds: 200 };
  return texterOf(envWith({ SMS: "twilio", ...bindings })).send(text);
}

async function takenFor(to: string): Promise<unknown> {
  const answer = await fetch(`${twilioBindings.TWILIO_URL}/taken?to=${encodeURIComponent(to)}`);
  return await answer.json();
}

test("a text is posted once, with how long it is worth anything", async () => {
  const to = newNumber();
  expect(await send(to)).toEqual({ kind: "sent", providerId: expect.stringMatching(/^SM[0-9a-f]{32}$/) });
  expect(await takenFor(to)).toEqual([
    { To: to, From: "+15005550006", Body: "123456 is your code.", ValidityPeriod: "200" },
  ]);
});

test("a messaging service sends by whichever of its numbers it likes", async () => {
  const [to, service] = [newNumber(), `MG${"3".repeat(32)}`];
  expect((await send(to, { SMS_FROM: service })).kind).toBe("sent");
  expect(await takenFor(to)).toEqual([
    { To: to, MessagingServiceSid: service, Body: "123456 is your code.", ValidityPeriod: "200" },
  ]);
});

/** By hand: how Twilio answers a number of these last digits, and what that means for the text. */
const answers: Readonly<Record<string, object>> = {
  "211": { kind: "refused", because: "rejected" },
  "610": { kind: "refused", because: "rejected" },
  "429": { kind: "try-again", askedMs: 60 * secondMs },
  "503": { kind: "try-again", askedMs: null },
  "400": { kind: "try-again", askedMs: null },
  "201": { kind: "try-again", askedMs: null },
  "302": { kind: "try-again", askedMs: null },
};

for (const [last, expected] of Object.entries(answers)) {
  test(`an answer of the kind "${last}" is understood, and told of without a number`, async () => {
    const printed = vi.spyOn(console, "warn").mockReturnValue();
    const to = newNumber(last);
    expect(await send(to)).toEqual(expected);
    const lines = printed.mock.calls.map(([line]) => String(line));
    printed.mockRestore();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("eml_1");
    expect(lines[0]).not.toContain(to);
  });
}

test("a wrong token, and a host that is not there, are no reason to give a text up", async () => {
  expect(await send(newNumber(), { TWILIO_AUTH_TOKEN: "another's" })).toMatchObject({ kind: "try-again" });
  expect(await send(newNumber(), { TWILIO_URL: "http://localhost:1" })).toMatchObject({ kind: "try-again" });
});

test("an answer that does not come is waited for ten seconds", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const sending = send(newNumber("000"));
  await vi.advanceTimersByTimeAsync(9999);
  expect(await Promise.race([sending, Promise.resolve("waits")])).toBe("waits");
  await vi.advanceTimersByTimeAsync(1);
  expect(await sending).toEqual({ kind: "try-again", askedMs: null });
  vi.useRealTimers();
});

/** By hand: with which bindings texts leave, and what is amiss where they do not. */
const configurations: readonly [bindings: object, can: boolean, fault: RegExp | null][] = [
  [{ SMS: undefined }, false, null],
  [{ SMS: "" }, false, null],
  [{ SMS: "twilio" }, true, null],
  [{ SMS: "mailbox" }, true, null],
  [{ SMS: "constructor" }, false, /none of twilio, mailbox/],
  [{ SMS: "mailbox", PUBLIC_ORIGIN: "https://keyline.example" }, false, /of this machine/],
  [{ SMS: "twilio", TWILIO_ACCOUNT_SID: "AC1" }, false, /TWILIO_ACCOUNT_SID/],
  [{ SMS: "twilio", TWILIO_AUTH_TOKEN: "" }, false, /TWILIO_AUTH_TOKEN/],
  [{ SMS: "twilio", SMS_FROM: "0612345678" }, false, /SMS_FROM/],
  [{ SMS: "twilio", TWILIO_URL: "api.twilio.com" }, false, /TWILIO_URL/],
];

test.each(configurations)("with %j texts leave: %s", (bindings, can, fault) => {
  const env = envWith({ ...bindings });
  expect(canText(env)).toBe(can);
  const faults = textFaults(env);
  if (fault === null) expect(faults).toEqual([]);
  else expect(faults.join()).toMatch(fault);
  if (!can) expect(() => texterOf(env)).toThrow("No text can leave");
});
