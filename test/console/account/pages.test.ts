import { beforeAll, expect, test } from "vitest";
import { accountPages } from "#console/account/pages.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { clientOf } from "#test/client.ts";
import { newBrowser, provedLongAgo, TestBrowser } from "#test/console/account/kit.ts";
import { counted } from "#test/counted.ts";
import { testEnv } from "#test/env.ts";
import {
  codeOf,
  goodPassword,
  join,
  mailsTo,
  newEmail,
  newEnrolled,
  newUser,
  tokenMailedTo,
} from "#test/identity/kit.ts";
import { newTenant } from "#test/world.ts";

const { call } = clientOf();
const script = '<script type="module" src="/passkey.js"></script>';
const newPassword = "seven loud trumpets sink";

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));

test("every page is uncached, framed by nobody, and tells no other page its address; two may run our one script", async () => {
  const { browser } = await newBrowser();
  for (const who of [new TestBrowser(), browser]) {
    for (const path of Object.keys(accountPages)) {
      const { status, headers, html } = await who.get(`${path}?token=klu_secret`);
      // Without what they are about they say what is amiss.
      const isAmiss = ["/oauth/authorize", "/join"].includes(path);
      expect(isAmiss ? [303, 422] : [200, 303], path).toContain(status);
      expect(headers.get("cache-control"), path).toBe("no-store");
      expect(headers.get("referrer-policy"), path).toBe("no-referrer");
      expect(headers.get("content-security-policy"), path).toMatch(
        /^default-src 'none';.*frame-ancestors 'none'/,
      );
      const policy = headers.get("content-security-policy") ?? "";
      const isScripted = status === 200 && ["/sign-in", "/second-factor"].includes(path);
      expect(/script-src 'self'; connect-src 'self'$/.test(policy), path).toBe(isScripted);
      expect(html.includes(script), path).toBe(isScripted);
      expect(html.replace(script, ""), path).not.toMatch(/<script|<style| style=| on[a-z]+=/i);
      if (status === 200)
        expect(headers.get("content-security-policy"), path).toContain("form-action 'self'");
    }
  }
});

test("whoever has not signed in is sent from every page of one's own to signing in, and back", async () => {
  const own = Object.entries(accountPages).filter(([, { isOwn }]) => isOwn);
  expect(own.length).toBeGreaterThan(5);
  for (const [path] of own) {
    const { status, headers } = await new TestBrowser().get(path);
    expect([status, headers.get("location")?.split("?")[0]], path).toEqual([303, "/sign-in"]);
  }
  const user = await newUser();
  const browser = new TestBrowser();
  const { headers } = await browser.get("/sessions");
  await browser.get(headers.get("location") ?? "");
  const signedIn = await browser.submit("/sign-in", { email: user.email, password: goodPassword });
  expect([signedIn.status, signedIn.headers.get("location")]).toEqual([303, "/sessions"]);
});

test("a newcomer signs up, follows the mail, gets a token that works, and signs out for good", async () => {
  const browser = new TestBrowser();
  const email = newEmail();
  await browser.get("/sign-up");
  const asked = await browser.submit("/sign-up", { name: "Ada", email, password: goodPassword });
  expect([asked.status, asked.html]).toEqual([200, expect.stringContaining(email)]);
  const token = await tokenMailedTo(email);
  // A scanner follows the link, and takes nothing away by it.
  for (let times = 0; times < 2; times += 1) await new TestBrowser().get(`/verify?token=${token}`);
  await browser.get(`/verify?token=${token}`);
  const wrong = await browser.submit("/verify", { password: "not this one at all" });
  expect([wrong.status, wrong.html]).toEqual([422, expect.stringContaining("That did not match.")]);
  const verified = await browser.submit("/verify", { password: goodPassword });
  expect([verified.status, verified.headers.get("location")]).toEqual([303, "/home"]);
  expect((await browser.get("/home")).html).toContain("not a member of any yet");

  const tenant = await newTenant();
  const api = await call("sign-in.password", { body: { email, password: goodPassword } });
  await join({ email, password: goodPassword, ...api.json }, tenant, "viewer");
  const home = await browser.get("/home");
  expect(home.html).toContain(tenant.slug);
  for (let times = 0; times < 2; times += 1) {
    await browser.get("/home");
    const minted = await browser.submit("/home", { tenant: tenant.slug });
    const [, as = ""] = /export TOKEN=(\S+)/.exec(minted.html) ?? [];
    expect((await call("orders.list", { tenant: tenant.slug, as })).status, minted.html).toBe(200);
  }
  const elsewhere = await newTenant();
  await browser.get("/home");
  expect((await browser.submit("/home", { tenant: elsewhere.slug })).status).toBe(404);

  const cookie = browser.cookies.get("__Host-keyline") ?? "";
  await browser.get("/sessions");
  const out = await browser.submit("/sign-out", {});
  expect([out.status, browser.cookies.has("__Host-keyline")]).toEqual([200, false]);
  const thief = new TestBrowser();
  thief.cookies.set("__Host-keyline", cookie);
  const { status, headers } = await thief.get("/sessions");
  expect([status, headers.get("location")]).toEqual([303, "/sign-in?continue=%2Fsessions"]);
});

test("the cookies are of this host alone, for no script, and one names the session", async () => {
  const browser = new TestBrowser();
  const { cookies } = await browser.get("/sign-in");
  expect([...cookies.keys()]).toEqual(["__Host-keyline-visit"]);
  const { email } = await newUser();
  const signedIn = await browser.submit("/sign-in", { email, password: goodPassword });
  const attributes = "; HttpOnly; Secure; SameSite=Lax";
  expect(cookies.get("__Host-keyline-visit")).toMatch(new RegExp(`; Path=/; Max-Age=3600${attributes}$`));
  expect(signedIn.cookies.get("__Host-keyline")).toMatch(
    new RegExp(`^__Host-keyline=klp_[0-9a-z_]+; Path=/; Max-Age=2592000${attributes}$`),
  );
});

test("a wrong password, an unknown address and a locked one show the same page", async () => {
  const { email } = await newUser();
  const pageFor = async (address: string) => {
    const browser = new TestBrowser();
    const { status, html } = await browser.signIn({ email: address, password: "not this one at all" });
    return [status, html.replaceAll(/value="[^"]*"/g, "")];
  };
  const known = await pageFor(email);
  expect(known).toEqual(await pageFor(newEmail()));
  for (let tries = 0; tries < 6; tries += 1) await pageFor(email);
  expect(await pageFor(email)).toEqual(known);
  expect(known[1]).toContain('role="alert"');
  const [link] = await mailsTo(email);
  const browser = new TestBrowser();
  await browser.get(new URL(link?.data.link ?? "").href.replace(/^https?:\/\/[^/]+/, ""));
  expect((await browser.submit("/unlock", {})).html).toContain("You can sign in again");
  expect((await browser.signIn({ email, password: goodPassword })).status).toBe(303);
});

test("a forgotten password is chosen anew by the mailed link, once", async () => {
  const { email } = await newUser();
  const browser = new TestBrowser();
  await browser.get("/forgot");
  const unknown = await browser.submit("/forgot", { email: newEmail() });
  await browser.get("/forgot");
  const asked = await browser.submit("/forgot", { email });
  const withoutAddress = (html: string) => html.replaceAll(/<b>.*?<\/b>/g, "");
  expect([asked.status, withoutAddress(asked.html)]).toEqual([unknown.status, withoutAddress(unknown.html)]);
  const link = `/reset?token=${await tokenMailedTo(email)}`;
  await browser.get(link);
  const weak = await browser.submit("/reset", { password: "short" });
  expect(weak.status).toBe(422);
  expect(weak.html).toMatch(
    /<input id="password"[^>]* aria-invalid="true" aria-describedby="password-hint password-fault"/,
  );
  expect(weak.html).toMatch(/<p class="fault" id="password-fault">New password /);
  expect((await browser.submit("/reset", { password: newPassword })).status).toBe(200);
  await browser.get(link);
  expect((await browser.submit("/reset", { password: newPassword })).status).toBe(410);
  expect((await browser.signIn({ email, password: newPassword })).status).toBe(303);
});

test("sessions are ended one by one and all at once, and a new password ends the others", async () => {
  const { browser, user } = await newBrowser();
  const again = async () => {
    const other = new TestBrowser();
    expect((await other.signIn({ email: user.email, password: user.password })).status).toBe(303);
    return other;
  };
  const isIn = async (one: TestBrowser) => (await one.get("/sessions")).status === 200;
  const first = await again();
  await browser.get("/sessions");
  const [id = ""] = /ses_[0-9a-z]+/.exec((await browser.get("/sessions")).html) ?? [];
  expect((await browser.submit("/sessions", { session: id })).status).toBe(303);
  expect([await isIn(first), await isIn(browser)]).toEqual([false, true]);

  const second = await again();
  await browser.get("/sessions");
  const { form = "" } = browser.hidden("/sessions");
  expect((await browser.post("/sessions", { form })).status).toBe(303);
  expect([await isIn(second), await isIn(browser)]).toEqual([false, true]);

  const third = await again();
  const before = await browser.get("/password");
  expect(before.html).toContain(user.email);
  const wrong = await browser.submit("/password", { currentPassword: "wrong", password: newPassword });
  expect(wrong.html).toMatch(/id="currentPassword-fault">Current password is not your password\./);
  expect(wrong.html).not.toContain(newPassword);
  expect(
    (await browser.submit("/password", { currentPassword: user.password, password: newPassword })).status,
  ).toBe(200);
  expect([await isIn(third), await isIn(browser)]).toEqual([false, true]);
});

test("a second factor is asked for as the second step, and a recovery code stands in for it", async () => {
  const { email, password, secret, recoveryCodes } = await newEnrolled();
  const browser = new TestBrowser();
  const asked = await browser.signIn({ email, password });
  expect([asked.status, browser.cookies.has("__Host-keyline")]).toEqual([200, false]);
  expect(asked.html).toMatch(/<input id="code"[^>]*autocomplete="one-time-code"[^>]*inputmode="numeric"/);
  expect((await browser.submit("/sign-in/challenge", { code: "000000" })).status).toBe(422);
  const done = await browser.submit("/sign-in/challenge", { code: codeOf(secret) });
  expect([done.status, done.headers.get("location")]).toEqual([303, "/home"]);

  const other = new TestBrowser();
  await other.signIn({ email, password });
  const recovered = await other.submit("/sign-in/challenge", { recoveryCode: recoveryCodes[0] ?? "" });
  expect([recovered.status, other.cookies.has("__Host-keyline")]).toEqual([200, true]);
  expect(recovered.html.match(/<li><code>/g)).toHaveLength(10);
  expect((await other.get("/second-factor")).html).toContain("Replace");
});

test("an app is added by its first code, and what is old is proved anew first", async () => {
  const { browser, user } = await newBrowser();
  await browser.get("/second-factor");
  const begun = await browser.submit("/second-factor", {});
  const secret = /class="secret">([A-Z2-7 ]+)</.exec(begun.html)?.[1]?.replaceAll(" ", "") ?? "";
  expect(begun.html).toContain("<svg ");
  const on = await browser.submit("/second-factor", { code: codeOf(secret, -1) });
  expect(on.html.match(/<li><code>/g)).toHaveLength(10);
  await provedLongAgo();
  await browser.get("/second-factor");
  const { form = "" } = browser.hidden("/second-factor");
  const renewed = await browser.post("/second-factor", { form, do: "renew" });
  expect([renewed.status, renewed.headers.get("location")]).toEqual([
    303,
    "/prove?continue=%2Fsecond-factor",
  ]);
  await browser.get("/prove?continue=%2Fsecond-factor");
  const proved = await browser.submit("/prove", { code: codeOf(secret) });
  expect([proved.status, proved.headers.get("location")]).toEqual([303, "/second-factor"]);
  expect(
    (await browser.post("/second-factor", { form, do: "renew" })).html.match(/<li><code>/g),
  ).toHaveLength(10);
  expect((await new TestBrowser().signIn(user)).html).toContain("One more step");
});

test("what people typed stays text", async () => {
  const browser = new TestBrowser();
  await browser.get("/sign-up");
  const name = `"><script>alert(1)</script>`;
  const { html } = await browser.submit("/sign-up", { name, email: `${name}@x`, password: "short" });
  expect(html).not.toContain("<script");
  expect(html).toContain("&lt;script&gt;");
  const reset = await browser.get(`/reset?token=${encodeURIComponent(name)}`);
  expect(reset.html).not.toContain("<script");
});

test("a page of one's own costs one round trip to the directory", async () => {
  const { browser } = await newBrowser();
  const { env, counts, reset } = counted();
  await browser.get("/sessions", { env });
  for (const [path, trips] of [
    ["/sign-in", 0],
    ["/sessions", 1],
    ["/home", 1],
    ["/password", 1],
    ["/second-factor", 1],
  ] as const) {
    reset();
    await browser.get(path, { env });
    expect(counts.trips, path).toHaveLength(trips);
  }
});
