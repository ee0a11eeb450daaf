import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { expect, test } from "vitest";
import { isWebhookSecret, newWebhookSecret, webhookSignature } from "#crypto/webhook-signature.ts";

// Standard Webhooks' own example.
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const message = {
  id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
  timestampSeconds: 1614265330,
  body: '{"test": 2432232314}',
};
const signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

test("the fixed vector of Standard Webhooks is signed as it says", async () => {
  expect(await webhookSignature([secret], message)).toBe(signature);
});

test("each secret adds its signature, and a verifier that knows one of them is content", async () => {
  const other = newWebhookSecret();
  const both = await webhookSignature([other, secret], message);
  expect(both.split(" ")).toHaveLength(2);
  expect(both.split(" ")[1]).toBe(signature);
  const now = Math.floor(Date.now() / 1000);
  const fresh = await webhookSignature([other, secret], { ...message, timestampSeconds: now });
  const headers = { "webhook-id": message.id, "webhook-timestamp": String(now), "webhook-signature": fresh };
  for (const key of [secret, other]) {
    new Webhook(key).verify(message.body, headers);
    new SvixWebhook(key).verify(message.body, headers);
  }
  expect(() => new Webhook(newWebhookSecret()).verify(message.body, headers)).toThrow(
    "No matching signature",
  );
});

test("any other id, time, body or secret gives another signature", async () => {
  const others = [
    { ...message, id: `${message.id}.1` },
    { ...message, timestampSeconds: message.timestampSeconds + 1 },
    { ...message, body: '{"test": 2432232315}' },
    { ...message, body: `${message.body}\n` },
  ];
  for (const other of others) expect(await webhookSignature([secret], other)).not.toBe(signature);
});

test("what npm's verifier accepts is exactly what was signed, whatever the text", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: "binary" }),
      fc.uint8Array({ minLength: 24, maxLength: 64 }),
      async (text, key) => {
        const own = `whsec_${btoa(String.fromCharCode(...key))}`;
        const body = JSON.stringify({ text });
        const now = Math.floor(Date.now() / 1000);
        const signed = await webhookSignature([own], { id: "msg_1", timestampSeconds: now, body });
        const expected = new Webhook(own).sign("msg_1", new Date(now * 1000), body);
        expect(signed).toBe(expected);
      },
    ),
  );
});

test("a new secret has 32 bytes of its own", () => {
  const secrets = Array.from({ length: 50 }, newWebhookSecret);
  expect(new Set(secrets).size).toBe(50);
  for (const each of secrets) {
    expect(isWebhookSecret(each)).toBe(true);
    expect(atob(each.slice(6))).toHaveLength(32);
  }
});

test("a secret has 24 to 64 bytes in plain base64 with its padding", () => {
  const ofBytes = (length: number) => `whsec_${btoa("k".repeat(length))}`;
  for (const length of [24, 25, 26, 32, 63, 64])
    expect(isWebhookSecret(ofBytes(length)), `${length}`).toBe(true);
  const bad = [
    ...[0, 16, 23, 65, 128].map(ofBytes),
    ofBytes(25).replace(/=+$/, ""),
    `${ofBytes(24)}=`,
    ofBytes(24).replace("whsec_", ""),
    ofBytes(24).replace("whsec_", "WHSEC_"),
    ` ${ofBytes(24)}`,
    `${ofBytes(24)}\n`,
    `whsec_${"-_".repeat(20)}`,
    // Unused bits set: a second spelling of the same bytes.
    `${ofBytes(25).slice(0, -3)}R==`,
  ];
  for (const text of bad) expect(isWebhookSecret(text), text).toBe(false);
});

test("what is no secret signs nothing", async () => {
  await expect(webhookSignature(["whsec_short"], message)).rejects.toThrow(RangeError);
});
