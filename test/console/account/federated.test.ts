import { beforeAll, expect, test } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { newBrowser, signInWith, TestBrowser, trip } from "#test/console/account/kit.ts";
import { testEnv } from "#test/env.ts";
import { gmail, newSubject } from "#test/identity/federation/kit.ts";
import { newSso } from "#test/identity/federation/sso-kit.ts";
import { enrolled, mailsTo, newEmail } from "#test/identity/kit.ts";

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));

const kept = "__Host-keyline-flow";
const signedIn = "__Host-keyline";

test("the page leads to each issuer by a link, and back in", async () => {
  const browser = new TestBrowser();
  const page = await browser.get("/sign-in?continue=/account");
  for (const label of ["Google", "Apple", "Microsoft", "Work"])
    expect(page.html).toContain(`Continue with ${label}`);
  const path = /href="(\/sign-in\/with\?source=google[^"]*)"/.exec(page.html)?.[1]?.replaceAll("&amp;", "&");
  const claims = { sub: newSubject(), email: gmail(), email_verified: true };
  const { left, callback, parameters } = await trip(browser, path ?? "", { claims });
  expect(left.cookies.get(kept)).toMatch(/; HttpOnly; Secure; SameSite=Lax$/);
  const back = await browser.get(`${callback}?${parameters}`);
  expect([back.status, back.headers.get("location")]).toEqual([303, "/account"]);
  expect([browser.cookies.has(signedIn), browser.cookies.has(kept)]).toEqual([true, false]);
  expect((await browser.get("/account")).html).toContain(claims.email);
});

test("Apple's form comes from its own page, and is held to what the browser took along", async () => {
  const browser = new TestBrowser();
  const claims = { sub: newSubject(), email: newEmail(), email_verified: "true" };
  const user = JSON.stringify({ name: { firstName: "Grace", lastName: "Hopper" } });
  const { left, callback, parameters } = await trip(browser, "/sign-in/with?source=apple", { claims, user });
  expect(left.cookies.get(kept)).toMatch(/SameSite=None$/);
  const sent = Object.fromEntries(new URLSearchParams(parameters));
  const headers = { Origin: "https://appleid.apple.com", "Sec-Fetch-Site": "cross-site" };
  const stranger = await new TestBrowser().post(callback, sent, { headers });
  expect([stranger.headers.get("location"), stranger.cookies.has(signedIn)]).toEqual(["/sign-in", false]);
  const back = await browser.post(callback, sent, { headers });
  expect([back.status, browser.cookies.has(signedIn)]).toEqual([303, true]);
  expect((await browser.get("/account")).html).toContain("Grace Hopper");
});

test("an answer that somebody else's browser asked for lets nobody in, nor does one without a trip", async () => {
  const claims = { sub: newSubject(), email: gmail(), email_verified: true };
  const attacker = new TestBrowser();
  const theirs = await trip(attacker, "/sign-in/with?source=google", { claims });
  const victim = new TestBrowser();
  const none = await victim.get(`${theirs.callback}?${theirs.parameters}`);
  expect([none.headers.get("location"), victim.cookies.has(signedIn)]).toEqual(["/sign-in", false]);
  await trip(victim, "/sign-in/with?source=google", { claims });
  const forged = await victim.get(`${theirs.callback}?${theirs.parameters}`);
  expect([forged.status, victim.cookies.has(signedIn)]).toEqual([422, false]);
  await trip(victim, "/sign-in/with?source=google", { claims });
  const elsewhere = await victim.get(`/sign-in/callback/work?${theirs.parameters}`);
  expect([elsewhere.headers.get("location"), victim.cookies.has(signedIn)]).toEqual(["/sign-in", false]);
});

test("no other page leads a browser to an issuer, to let it in or to connect it", async () => {
  const { browser } = await newBrowser();
  for (const site of ["cross-site", "same-site", null])
    for (const path of ["/sign-in/with?source=google", "/account/connect?source=google"]) {
      const page = await browser.get(path, { headers: { "Sec-Fetch-Site": site } });
      expect([page.status, page.cookies.has(kept)], `${site} ${path}`).toEqual([303, false]);
      expect(page.headers.get("location")).toMatch(/^\/(sign-in|account)$/);
    }
});

test("somebody who changed their mind there is told so on the page", async () => {
  const page = await signInWith(new TestBrowser(), "google", { error: "access_denied" });
  expect([page.status, page.html]).toEqual([422, expect.stringContaining("That sign-in did not work.")]);
});

test("an address that the issuer does not speak for is proved on the next page", async () => {
  const browser = new TestBrowser();
  const email = newEmail();
  const page = await signInWith(browser, "work", { claims: { sub: newSubject(), email } });
  expect([page.status, page.html]).toEqual([200, expect.stringContaining("Look at your mail")]);
  const wrong = await browser.submit("/sign-in/email", { code: "00000-00000" });
  expect([wrong.status, wrong.html]).toEqual([422, expect.stringContaining("Look at your mail")]);
  const [mail] = await mailsTo(email);
  const inside = await browser.submit("/sign-in/email", { code: mail?.data.code ?? "" });
  expect([inside.status, browser.cookies.has(signedIn)]).toEqual([303, true]);
});

test("the second factor is asked for on the next page", async () => {
  const { browser: mine, user } = await newBrowser();
  const claims = { sub: newSubject(), email: gmail(), email_verified: true };
  await mine.get("/account");
  const { callback, parameters } = await trip(mine, "/account/connect?source=google", { claims });
  expect((await mine.get(`${callback}?${parameters}`)).headers.get("location")).toBe("/account");
  expect((await mine.get("/account")).html).toContain("accounts.google.com");
  await enrolled(user);
  const page = await signInWith(new TestBrowser(), "google", { claims });
  expect([page.status, page.html]).toEqual([200, expect.stringContaining("One more step")]);
});

test("what Apple answers is connected to who is signed in, though its form brings no such cookie", async () => {
  const { browser } = await newBrowser();
  const claims = { sub: newSubject(), email: newEmail(), email_verified: true };
  const user = JSON.stringify({ name: { firstName: "Grace", lastName: "Hopper" } });
  const { callback, parameters } = await trip(browser, "/account/connect?source=apple", { claims, user });
  const session = browser.cookies.get(signedIn) ?? "";
  browser.cookies.delete(signedIn);
  const headers = { Origin: "https://appleid.apple.com", "Sec-Fetch-Site": "cross-site" };
  const form = await browser.post(callback, Object.fromEntries(new URLSearchParams(parameters)), { headers });
  expect(form.headers.get("location")).not.toContain("Grace");
  browser.cookies.set(signedIn, session);
  const back = await browser.get(form.headers.get("location") ?? "");
  expect(back.headers.get("location")).toBe("/account");
  const page = await browser.get("/account");
  expect(page.html).toContain("appleid.apple.com");
  const { form: token = "", identity = "" } = browser.hidden("/account");
  const gone = await browser.post("/account", { form: token, do: "disconnect", identity });
  expect(gone.html).toContain("Connect Apple");
});

test("a business's own sign-in is found by an address, and its session says what it is for", async () => {
  const sso = await newSso();
  const email = `ada@${sso.domain}`;
  const browser = new TestBrowser();
  await browser.get("/sign-in/sso");
  const nobody = await browser.submit("/sign-in/sso", { email: newEmail() });
  expect(nobody.status).toBe(422);
  const found = await browser.submit("/sign-in/sso", { email });
  expect(found.html).not.toContain(email);
  const path = /href="(\/sign-in\/with\?[^"]*)"/.exec(found.html)?.[1]?.replaceAll("&amp;", "&") ?? "";
  const { callback, parameters } = await trip(browser, path, { claims: { sub: newSubject(), email } });
  const back = await browser.get(`${callback}?${parameters}`);
  expect(back.headers.get("location")).toBe("/home");
  expect((await browser.get("/home")).html).toContain(sso.tenant.slug);
  const token = await browser.submit("/home", { tenant: sso.tenant.slug });
  expect([token.status, token.html]).toEqual([200, expect.stringContaining("export TOKEN=")]);
  const account = await browser.get("/account");
  expect(account.html).toContain("This session is good for one business alone.");
  expect((await browser.get("/second-factor")).html).toContain(
    "This session is good for one business alone.",
  );
  expect((await browser.get("/sessions")).html).toContain("This session is good for one business alone.");
});
