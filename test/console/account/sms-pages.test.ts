import { beforeAll, expect, test } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { newBrowser, provedLongAgo, TestBrowser } from "#test/console/account/kit.ts";
import { testEnv } from "#test/env.ts";
import { codeTextedTo, newNumber, newTextable, newTexted, type TestUser } from "#test/identity/kit.ts";
import { envWith } from "#test/world.ts";

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));

async function browserOf(user: TestUser): Promise<TestBrowser> {
  const browser = new TestBrowser();
  await browser.signIn(user);
  expect(browser.cookies.has("__Host-keyline")).toBe(true);
  return browser;
}

/** Presses the button of the page that was shown last which does this. */
async function press(browser: TestBrowser, does: string) {
  return await browser.post("/second-factor", { ...browser.hidden("/second-factor"), do: does });
}

test("a number is added by the code that is texted to it, and removed again", async () => {
  const browser = await browserOf(await newTextable());
  expect((await browser.get("/second-factor")).html).toContain("Text messages");
  expect((await press(browser, "add-sms")).html).toMatch(
    /<input id="number"[^>]*autocomplete="tel"[^>]*inputmode="tel"/,
  );
  const wrong = await browser.submit("/second-factor", { number: "0612345678" });
  expect([wrong.status, wrong.html.includes("is not a phone number")]).toEqual([422, true]);
  const number = newNumber();
  const begun = await browser.submit("/second-factor", { number });
  expect(begun.html).toContain(`•••• ${number.slice(-2)}`);
  const code = await codeTextedTo(number);
  const other = String((Number(code) + 1) % 1_000_000).padStart(6, "0");
  const refused = await browser.submit("/second-factor", { code: other });
  expect([refused.status, refused.html.includes(`•••• ${number.slice(-2)}`)]).toEqual([422, true]);
  const on = await browser.submit("/second-factor", { code });
  expect(on.html.match(/<li><code>/g)).toHaveLength(10);
  expect((await browser.get("/second-factor")).html).toContain(`To •••• ${number.slice(-2)}`);
  const removed = await press(browser, "remove-sms");
  expect([removed.status, removed.headers.get("location")]).toEqual([303, "/second-factor"]);
  // It was the last, so this session is over as well.
  expect((await browser.get("/second-factor")).headers.get("location")).toContain("/sign-in");
});

test("the second step has a code texted when it is asked to, and goes on by it", async () => {
  const user = await newTexted();
  const browser = new TestBrowser();
  const asked = await browser.signIn(user);
  expect(asked.html).toContain("Text me a code");
  expect(asked.html).not.toContain('id="code"');
  const sent = await browser.submit("/sign-in/challenge", {});
  expect([sent.status, sent.html.includes(`•••• ${user.number.slice(-2)}`)]).toEqual([200, true]);
  expect(sent.html).toContain("Send another code");
  expect((await browser.submit("/sign-in/challenge", { code: "0" })).status).toBe(422);
  const done = await browser.submit("/sign-in/challenge", { code: await codeTextedTo(user.number) });
  expect([done.status, done.headers.get("location")]).toEqual([303, "/home"]);
});

test("who asks too often is told so in words, and what a form says of a number is not repeated", async () => {
  const user = await newTexted();
  const browser = new TestBrowser();
  await browser.signIn(user);
  const hidden = browser.hidden("/sign-in/challenge");
  for (let tries = 0; tries < 2; tries += 1) await browser.post("/sign-in/challenge", hidden);
  const refused = await browser.post("/sign-in/challenge", hidden);
  expect([refused.status, refused.html.includes("enough texts for now")]).toEqual([429, true]);
  const { do: _, ...kept } = hidden;
  const odd = await browser.post("/sign-in/challenge", { ...kept, code: "123456", sentTo: "evil.example" });
  expect(odd.html).not.toContain("evil.example");
});

test("an old proof is given anew by a code that is texted", async () => {
  const user = await newTexted();
  const browser = new TestBrowser();
  await browser.signIn(user);
  await browser.submit("/sign-in/challenge", {});
  await browser.submit("/sign-in/challenge", { code: await codeTextedTo(user.number) });
  await provedLongAgo();
  await browser.get("/second-factor");
  const { form = "" } = browser.hidden("/second-factor");
  const renew = () => browser.post("/second-factor", { form, do: "renew" });
  expect((await renew()).headers.get("location")).toContain("/prove");
  expect((await browser.get("/prove?continue=%2Fsecond-factor")).html).toContain("Text me a code");
  expect((await browser.submit("/prove", {})).html).toContain(`•••• ${user.number.slice(-2)}`);
  const proved = await browser.submit("/prove", { code: await codeTextedTo(user.number) });
  expect([proved.status, proved.headers.get("location")]).toEqual([303, "/second-factor"]);
  expect((await renew()).html.match(/<li><code>/g)).toHaveLength(10);
});

test("where no business allows it nobody is asked for a number, and where texts are off nothing speaks of them", async () => {
  const { browser } = await newBrowser();
  await browser.get("/second-factor");
  expect((await press(browser, "add-sms")).html).toContain("None of your businesses");
  const env = envWith({ SMS: "" });
  expect((await browser.get("/second-factor", { env })).html).not.toContain("Text messages");
});
