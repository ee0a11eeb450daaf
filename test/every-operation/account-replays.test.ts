import { expect, test } from "vitest";
import { type Call, clientOf } from "#test/client.ts";
import { expectSuccess } from "#test/every-operation/trial.ts";
import { exampleOf, operations } from "#test/examples.ts";
import { newTenant } from "#test/world.ts";
import { grown, written } from "#test/written.ts";

const { call } = clientOf();

/** By hand: those that end the very session which asks, so that nobody is left to be answered again. */
const endsItself = ["account.close", "passkeys.remove", "sessions.end", "sessions.signOut", "totp.remove"];
/** By hand: what is told once and no second time. */
const shownOnce: Readonly<Record<string, readonly string[]>> = {
  "passkeys.add": ["recoveryCodes"],
  "recovery-codes.renew": ["recoveryCodes"],
  "support.begin": ["accessToken"],
  "totp.begin": ["secret", "uri", "qrSvg"],
  "totp.confirm": ["recoveryCodes"],
};
/** By hand: these POSTs take no key, as what they make lies in a tenant's cell, in a token or nowhere, and making it twice does no harm. */
const withoutKey = ["oauth.authorize", "identities.begin", "me.lookAtInvitation", "support.token"];

const posts = operations.filter(({ operation }) => operation.mount === "me" && operation.method === "post");

test("each POST of one's own account takes an Idempotency-Key, but for those that say why not", () => {
  const taking = posts.filter(({ operation }) => operation.form === "me-write").map(({ name }) => name);
  expect(taking.length).toBeGreaterThan(10);
  const others = posts.map(({ name }) => name).filter((name) => !taking.includes(name));
  expect(others.toSorted()).toEqual(withoutKey.toSorted());
});

for (const { name, operation } of posts.filter((each) => !withoutKey.includes(each.name))) {
  test(`${name} is done once for one key, and answered again as it was`, async () => {
    const input: Call = await exampleOf(name).make(await newTenant());
    const keyed = { ...input, headers: { ...input.headers, "Idempotency-Key": `once-${name}` } };
    const first = await call(name, keyed);
    expectSuccess(name, first);
    expect(first.headers.has("idempotency-replayed")).toBe(false);
    const before = await written();
    const again = await call(name, keyed);
    expect(grown(before, await written())).toEqual({});
    if (endsItself.includes(name)) {
      expect([again.status, again.headers.has("idempotency-replayed")]).toEqual([401, false]);
      return;
    }
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([first.status, "true"]);
    const hidden = Object.fromEntries((shownOnce[name] ?? []).map((field) => [field, null]));
    expect(again.json ?? null).toEqual(first.json ? { ...first.json, ...hidden } : null);
    const shown = (shownOnce[name] ?? []).map((field) => typeof first.json[field]);
    expect(shown).not.toContain("undefined");
    if (!operation.body) return;
    const others = { ...keyed, body: otherThan(input.body) };
    const other = await call(name, others);
    expect([other.status, other.json.type]).toEqual([422, "/problems/idempotency-key-reused"]);
    expect(grown(before, await written())).toEqual({});
  });
}

/** The same shape with one text changed, at any depth. */
function otherThan(body: unknown): unknown {
  let isDone = false;
  return JSON.parse(JSON.stringify(body), (name, value: unknown) => {
    if (isDone || typeof value !== "string" || name === "type") return value;
    isDone = true;
    return /^\+?\d+$/.test(value)
      ? value.replace(/.$/, (digit) => String((Number(digit) + 1) % 10))
      : `${value}a`;
  });
}
