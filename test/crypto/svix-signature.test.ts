import { expect, test } from "vitest";
import { messageRefusal, messageSecret, type SignedMessage } from "#crypto/svix-signature.ts";
import { utf8 } from "#lib/utf8.ts";
import { webhookHeaders } from "#test/svix.ts";

// The fixed vector of Standard Webhooks.
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const genuine: SignedMessage = {
  id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
  timestamp: "1614265330",
  signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  body: utf8('{"test": 2432232314}'),
};
const now = 1614265330;
const otherSecret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

test("the fixed vector is genuine, among other signatures and with other secrets too", async () => {
  expect(await refusal(genuine)).toBeNull();
  expect(await refusal({ ...genuine, signature: `v1,AAAA v1a,BBBB ${genuine.signature} v2,CC` })).toBeNull();
  expect(await refusal(genuine, [otherSecret, secret])).toBeNull();
  expect(await refusal(genuine, [secret, otherSecret])).toBeNull();
});

test("a message with the signatures of two secrets is genuine for who has either", async () => {
  const body = "{}";
  const headers = await webhookHeaders([secret, otherSecret], { id: "msg_1", nowMs: now * 1000, body });
  const message = {
    id: headers["svix-id"],
    timestamp: headers["svix-timestamp"],
    signature: headers["svix-signature"],
    body: utf8(body),
  };
  for (const each of [secret, otherSecret]) expect(await refusal(message, [each])).toBeNull();
  expect(await refusal(message, ["whsec_plJ3nmyCDGBKInavdOK15jsl0123456789"])).toBe("bad-signature");
});

test("a timestamp may be five minutes off, to either side", async () => {
  for (const seconds of [-300, 300]) expect(await refusal(genuine, [secret], now + seconds)).toBeNull();
  for (const seconds of [-301, 301, 86_400])
    expect(await refusal(genuine, [secret], now + seconds)).toBe("bad-time");
});

const mac = genuine.signature?.slice(3) ?? "";
const wrong: Readonly<Record<string, [Partial<SignedMessage>, string]>> = {
  "another body": [{ body: utf8('{"test": 2432232315}') }, "bad-signature"],
  "a space more": [{ body: utf8('{"test": 2432232314} ') }, "bad-signature"],
  "no body": [{ body: utf8("") }, "bad-signature"],
  "another id": [{ id: "msg_p5jXN8AQM9LWM0D4loKWxJeK" }, "bad-signature"],
  "another second": [{ timestamp: "1614265331" }, "bad-signature"],
  "no id": [{ id: undefined }, "bad-headers"],
  "an id with a dot": [{ id: "msg.1" }, "bad-headers"],
  "no timestamp": [{ timestamp: undefined }, "bad-headers"],
  "a timestamp of milliseconds": [{ timestamp: "1614265330000" }, "bad-headers"],
  "a timestamp with a sign": [{ timestamp: "+1614265330" }, "bad-headers"],
  "a timestamp of text": [{ timestamp: "now" }, "bad-headers"],
  "a timestamp in hexadecimal": [{ timestamp: "0x6037ba72" }, "bad-headers"],
  "no signature": [{ signature: undefined }, "bad-signature"],
  "an empty signature": [{ signature: "" }, "bad-signature"],
  "a signature without its version": [{ signature: mac }, "bad-signature"],
  "another version": [{ signature: `v2,${mac}` }, "bad-signature"],
  "the asymmetric version": [{ signature: `v1a,${mac}` }, "bad-signature"],
  "half a signature": [{ signature: `v1,${mac.slice(0, 22)}` }, "bad-signature"],
  "a signature with another last letter": [{ signature: `v1,${mac.slice(0, -2)}F=` }, "bad-signature"],
  "commas for spaces": [{ signature: `v1,AAAA,v1,${mac}` }, "bad-signature"],
  "the signature behind twenty others": [{ signature: `${"v1,AAAA ".repeat(20)}v1,${mac}` }, "bad-signature"],
};

for (const [what, [changes, expected]] of Object.entries(wrong)) {
  test(`a message with ${what} is not genuine`, async () => {
    expect(await refusal({ ...genuine, ...changes })).toBe(expected);
  });
}

test("without secrets nothing is genuine", async () => {
  expect(await refusal(genuine, [])).toBe("bad-signature");
});

test("a secret is whsec_ and 24 to 64 bytes of base64, spelt in one way", () => {
  const of = (bytes: number) => `whsec_${btoa("x".repeat(bytes))}`;
  for (const text of [secret, of(24), of(25), of(32), of(63), of(64)])
    expect([text, messageSecret(text)?.length]).toEqual([text, 64]);
  const others = [
    "",
    "whsec_",
    secret.slice(6),
    `${secret} `,
    secret.replace("whsec_", "whpk_"),
    of(23),
    of(65),
    of(25).replaceAll("=", ""),
    `${of(24)}=`,
    secret.replace("M", "-"),
    of(25).replace(/A==$/, "B=="),
  ];
  for (const text of others) expect([text, messageSecret(text)]).toEqual([text, null]);
});

function refusal(message: SignedMessage, secrets: readonly string[] = [secret], at = now) {
  const keys = secrets.flatMap((text) => messageSecret(text) ?? []);
  return messageRefusal(message, keys, at);
}
