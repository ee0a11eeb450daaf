import { beforeAll, expect, test } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import {
  challengeOf,
  codeOf,
  enrolled,
  mailsTo,
  newAddress,
  newUser,
  proofOptions,
  type TestUser,
  withPasskey,
} from "#test/identity/kit.ts";

const { call, send } = clientOf();
const firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0";
const iphone =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1";
interface Place {
  readonly city?: string;
  readonly country?: string;
}

const leeuwarden = { city: "Leeuwarden", country: "NL" };
const oslo = { city: "Oslo", country: "NO" };

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));

/** Signs in as a browser does, from where Cloudflare says that it is. */
async function signInFrom(path: string, body: object, userAgent: string, cf: Place) {
  const headers = { "Content-Type": "application/json", "User-Agent": userAgent, ...newAddress() };
  const url = new URL(`/v1/sign-in${path}`, testEnv().PUBLIC_ORIGIN);
  const init: object = { method: "POST", headers, body: JSON.stringify(body), cf };
  const answer = await send(new Request(url, init));
  expect(answer.status, answer.text).toBe(201);
  return answer.json;
}

function byPassword({ email, password }: TestUser, userAgent: string, cf: Place) {
  return signInFrom("", { email, password }, userAgent, cf);
}

async function toldOf({ email }: TestUser) {
  const told = (await mailsTo(email)).filter(({ kind }) => kind === "new-device");
  return told.map(({ data: { device, place } }) => [device, place]);
}

test("a sign-in from a device not seen before is mailed with device and place, and one from a known device is not", async () => {
  const user = await newUser();
  expect(await toldOf(user)).toEqual([]);
  await byPassword(user, firefox, leeuwarden);
  expect(await toldOf(user)).toEqual([["Firefox on Windows", "Leeuwarden, NL"]]);
  await byPassword(user, firefox, oslo);
  expect(await toldOf(user)).toHaveLength(1);
  await byPassword(user, iphone, {});
  expect(await toldOf(user)).toEqual([
    ["Safari on iPhone", "an unknown place"],
    ["Firefox on Windows", "Leeuwarden, NL"],
  ]);
  const [mail] = (await mailsTo(user.email)).filter(({ kind }) => kind === "new-device");
  expect(mail?.data.sessionsLink).toBe(`${testEnv().PUBLIC_ORIGIN}/sessions`);
});

test("a device of another user's is as new as any", async () => {
  const [one, other] = [await newUser(), await newUser()];
  await byPassword(one, firefox, leeuwarden);
  await byPassword(other, firefox, leeuwarden);
  expect(await toldOf(other)).toHaveLength(1);
});

test("a second factor, and a passkey alone, are no other case", async () => {
  const user = await enrolled(await newUser());
  const challenge = await challengeOf(user);
  await signInFrom("/second-factor", { challenge, code: codeOf(user.secret) }, firefox, leeuwarden);
  expect(await toldOf(user)).toEqual([["Firefox on Windows", "Leeuwarden, NL"]]);
  const bearer = await withPasskey(await newUser());
  const response = await bearer.device.prove(await proofOptions());
  await signInFrom("/passkey", { response }, iphone, oslo);
  expect(await toldOf(bearer)).toEqual([["Safari on iPhone", "Oslo, NO"]]);
});

test("sessions are listed with device and place", async () => {
  const user = await newUser();
  const { accessToken, sessionId } = await byPassword(user, firefox, leeuwarden);
  await byPassword(user, iphone, { country: "NO" });
  const { data } = (await call("sessions.list", { as: accessToken })).json;
  expect(
    data.map(({ device, place, isCurrent }: Record<string, unknown>) => [device, place, isCurrent]),
  ).toEqual([
    ["Safari on iPhone", "NO", false],
    ["Firefox on Windows", "Leeuwarden, NL", true],
    ["Unknown device", null, false],
  ]);
  expect(data[1].id).toBe(sessionId);
});
