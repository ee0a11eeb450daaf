import { beforeAll, expect, test } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { newBrowser, type Page, provedLongAgo, TestBrowser } from "#test/console/account/kit.ts";
import { testEnv } from "#test/env.ts";
import { Authenticator } from "#test/identity/authenticator.ts";
import { codeOf, enrolled, newBearer, newEnrolled, proofOptions, withPasskey } from "#test/identity/kit.ts";

// What the script does in a browser (test/contract/passkeys.check.ts) is done here by hand.

const scripted = /script-src 'self'; connect-src 'self'$/;

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));

test("a passkey lets in from the page, alone, and goes on where somebody wanted to go", async () => {
  const { device } = await newBearer();
  const browser = new TestBrowser();
  await browser.get("/sign-in?continue=/sessions");
  expect(browser.last?.html).toMatch(/<div class="passkey" hidden(="")?>/);
  const response = await proofOf(device);
  const signedIn = await browser.submit("/sign-in", { response });
  expect([signedIn.status, signedIn.headers.get("location")]).toEqual([303, "/sessions"]);
  expect((await browser.get("/sessions")).html).toContain("this one");

  const thief = new TestBrowser();
  for (const sent of [response, "", "null", "{", '{"id":1}']) {
    await thief.get("/sign-in");
    const refused = await thief.submit("/sign-in", { response: sent });
    expect([refused.status, thief.cookies.has("__Host-keyline")], sent).toEqual([422, false]);
    expect(refused.html, sent).toContain('role="alert"');
  }
});

test("a passkey is the second step, and the page offers what the account has", async () => {
  const bearer = await newBearer();
  const browser = new TestBrowser();
  const asked = await browser.signIn(bearer);
  expect(asked.headers.get("content-security-policy")).toMatch(scripted);
  expect(asked.html).not.toContain('id="code"');
  const foreign = await browser.submit("/sign-in/challenge", {
    response: await proofOf((await newBearer()).device),
  });
  expect([foreign.status, browser.cookies.has("__Host-keyline")]).toEqual([422, false]);
  const done = await browser.submit("/sign-in/challenge", { response: await proofOf(bearer.device) });
  expect([done.status, done.headers.get("location")]).toEqual([303, "/home"]);

  const both = await enrolled(bearer);
  const other = new TestBrowser();
  expect((await other.signIn(both)).html).toMatch(/id="code".*Use a passkey instead.*I cannot use the app/s);
  expect((await other.submit("/sign-in/challenge", { code: codeOf(both.secret) })).status).toBe(303);
});

test("a passkey is added, listed, used for a fresh proof, and removed", async () => {
  const { browser } = await newBrowser();
  await browser.get("/second-factor");
  const begun = await change(browser, { do: "begin-passkey" });
  expect(begun.headers.get("content-security-policy")).toMatch(scripted);
  const device = new Authenticator(testEnv().PUBLIC_ORIGIN, true);
  const response = JSON.stringify(await device.create(optionsIn(begun)));
  const added = await change(browser, { do: "add-passkey", name: "Ada's <phone>", response });
  expect(added.html.match(/<li><code>/g)).toHaveLength(10);
  const listed = await browser.get("/second-factor");
  expect(listed.html).toMatch(/Ada&#39;s &lt;phone&gt;.*synced.*Not used yet/s);
  const [passkey = ""] = /psk_[0-9a-z]+/.exec(listed.html) ?? [];

  await provedLongAgo();
  const refused = await change(browser, { do: "remove-passkey", passkey });
  expect([refused.status, refused.headers.get("location")]).toEqual([
    303,
    "/prove?continue=%2Fsecond-factor",
  ]);
  const asked = await browser.get("/prove?continue=/second-factor");
  expect(asked.html).not.toContain('type="password"');
  const wrong = await browser.submit("/prove", { response: await proofOf((await newBearer()).device) });
  expect([wrong.status, wrong.html]).toEqual([422, expect.stringContaining('role="alert"')]);
  const proved = await browser.submit("/prove", { response: await proofOf(device) });
  expect([proved.status, proved.headers.get("location")]).toEqual([303, "/second-factor"]);
  expect((await browser.get("/second-factor")).html).toContain("Last used");

  // The last factor's end is that of every session.
  expect((await change(browser, { do: "remove-passkey", passkey })).status).toBe(303);
  const { headers } = await browser.get("/second-factor");
  expect(headers.get("location")).toBe("/sign-in?continue=%2Fsecond-factor");
});

test("whoever removes one of two factors stays signed in", async () => {
  const { device, passkeyId: passkey } = await withPasskey(await newEnrolled());
  const browser = new TestBrowser();
  await browser.get("/sign-in");
  await browser.submit("/sign-in", { response: await proofOf(device) });
  expect((await browser.get("/second-factor")).html).toContain(passkey);
  await change(browser, { do: "remove-passkey", passkey });
  const left = await browser.get("/second-factor");
  expect([left.status, left.html.includes(passkey)]).toEqual([200, false]);
});

async function proofOf(device: Authenticator): Promise<string> {
  return JSON.stringify(await device.prove(await proofOptions()));
}

async function change(browser: TestBrowser, fields: Record<string, string>): Promise<Page> {
  const { form = "" } = browser.hidden("/second-factor");
  return await browser.post("/second-factor", { form, ...fields });
}

function optionsIn({ html }: Page) {
  const [, options = ""] = /data-options="([^"]*)"/.exec(html) ?? [];
  return JSON.parse(options.replaceAll("&quot;", '"'));
}
