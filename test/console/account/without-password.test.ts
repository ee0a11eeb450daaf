import { beforeAll, expect, test } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { provedLongAgo, signInWith, TestBrowser, trip } from "#test/console/account/kit.ts";
import { testEnv } from "#test/env.ts";
import { googleClaims } from "#test/identity/federation/kit.ts";
import { goodPassword, tokenMailedTo } from "#test/identity/kit.ts";
import { rowsOf } from "#test/world.ts";

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));

/** Somebody who has signed up by Google alone, an hour ago. */
async function stale() {
  const [browser, claims] = [new TestBrowser(), googleClaims()];
  await signInWith(browser, "google", { claims });
  await provedLongAgo();
  return { browser, claims };
}

/** The button that begins to add an authenticator, which asks for a recent proof. */
async function begin(browser: TestBrowser) {
  await browser.get("/second-factor");
  return await browser.post("/second-factor", { ...browser.hidden("/second-factor"), do: "begin" });
}

/** Where this page leads for a proof at the issuer. */
function linkOn(html: string): string {
  return /href="(\/sign-in\/with\?[^"]*)"/.exec(html)?.[1]?.replaceAll("&amp;", "&") ?? "";
}

async function activeSessions(): Promise<number> {
  const rows = await rowsOf(testEnv().DIRECTORY, "select id from sessions where state = 'active'");
  return rows.length;
}

test("whoever has no password proves that it is them by signing in again where they do", async () => {
  const { browser, claims } = await stale();
  const before = await activeSessions();
  const asked = await begin(browser);
  expect(asked.headers.get("location")).toBe("/prove?continue=%2Fsecond-factor");
  const page = await browser.get("/prove?continue=%2Fsecond-factor");
  expect(page.html).toContain("Sign in again with Google");
  expect(page.html).not.toMatch(/Sign in again with (Apple|Microsoft|Work)|type="password"/);
  const { left, callback, parameters } = await trip(browser, linkOn(page.html), { claims });
  expect(new URL(left.headers.get("location") ?? "").searchParams.get("prompt")).toBe("select_account");
  const back = await browser.get(`${callback}?${parameters}`);
  expect([back.status, back.headers.get("location")]).toEqual([303, "/second-factor"]);
  expect((await begin(browser)).html).toContain("Add your app");
  // The session of before is nobody's any more.
  expect(await activeSessions()).toBe(before);
});

test("where the issuer does not tell when it asked, they choose a password by mail, and prove it", async () => {
  const { browser, claims } = await stale();
  const asked = await browser.get("/prove?continue=%2Fsecond-factor");
  const silent = { ...claims, auth_time: null };
  const { callback, parameters } = await trip(browser, linkOn(asked.html), { claims: silent });
  await browser.get(`${callback}?${parameters}`);
  expect((await begin(browser)).headers.get("location")).toContain("/prove");
  await browser.get("/prove");
  expect((await browser.submit("/forgot", {})).html).toContain(claims.email);
  await browser.get(`/reset?token=${await tokenMailedTo(claims.email)}`);
  const chosen = await browser.submit("/reset", { password: goodPassword });
  expect(chosen.html).toContain("Your password is changed");
  const inside = await browser.signIn({ email: claims.email, password: goodPassword });
  expect(inside.headers.get("location")).toBe("/home");
  await provedLongAgo();
  expect((await begin(browser)).headers.get("location")).toContain("/prove");
  await browser.get("/prove?continue=%2Fsecond-factor");
  const proved = await browser.submit("/prove", { password: goodPassword });
  expect(proved.headers.get("location")).toBe("/second-factor");
  expect((await begin(browser)).html).toContain("Add your app");
});

test("the pages that would ask for a password they have not offer one, and nobody is signed out", async () => {
  const { browser, claims } = await stale();
  for (const path of ["/password", "/account"]) {
    const page = await browser.get(path);
    expect([page.status, page.html]).toEqual([200, expect.stringContaining("Mail me a link")]);
    expect(page.html).not.toContain('type="password"');
    expect(browser.hidden("/forgot").email).toBe(claims.email);
  }
  expect((await browser.get("/account")).html).toContain("choose one first");
  const { form = "" } = browser.hidden("/account");
  const forced = { currentPassword: goodPassword, password: "seven loud trumpets sink", form };
  expect((await browser.post("/password", forced)).headers.get("location")).toContain("/prove");
  const page = await browser.get("/prove");
  await signInWith(browser, "google", { claims });
  expect(linkOn(page.html)).toContain("fresh=1");
  expect((await browser.get("/home")).status).toBe(200);
});
