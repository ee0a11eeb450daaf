import { beforeAll, expect, test } from "vitest";
import { accountPages } from "#console/account/pages.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { clientOf } from "#test/client.ts";
import { newBrowser, type Sending, TestBrowser } from "#test/console/account/kit.ts";
import { testEnv } from "#test/env.ts";
import { goodPassword, newUser } from "#test/identity/kit.ts";

const { call } = clientOf();
/** By hand: what other issuers' pages send, and federated.test.ts tries. */
const fromElsewhere = ["/sign-in/callback/:source"];
const posted = Object.entries(accountPages).filter(
  ([path, page]) => "post" in page && !fromElsewhere.includes(path),
);

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));

test("forms of other sites' pages are taken where issuers answer alone", () => {
  const open = Object.entries(accountPages).filter(([, page]) => "isFromElsewhere" in page);
  expect(open.map(([path]) => path)).toEqual(fromElsewhere);
});

test("no form is taken that another page sent, or that says nothing of where it comes from", async () => {
  const elsewhere: readonly NonNullable<Sending["headers"]>[] = [
    { Origin: null, "Sec-Fetch-Site": null },
    { Origin: "null", "Sec-Fetch-Site": null },
    { Origin: "https://evil.example", "Sec-Fetch-Site": null },
    { Origin: "https://evil.example" },
    { "Sec-Fetch-Site": "cross-site" },
    { "Sec-Fetch-Site": "same-site" },
    { "Sec-Fetch-Site": "none" },
  ];
  const { browser } = await newBrowser();
  await browser.get("/sessions");
  const { form = "" } = browser.hidden("/sign-out");
  for (const [path] of posted)
    for (const headers of elsewhere)
      expect(
        (await browser.post(path, { form }, { headers })).status,
        `${path} ${JSON.stringify(headers)}`,
      ).toBe(403);
  expect((await browser.get("/sessions")).status).toBe(200);
  const plain = { Origin: "http://localhost:8787", "Sec-Fetch-Site": null };
  expect((await browser.post("/sign-out", { form }, { headers: plain })).status).toBe(200);
});

test("no form is taken without the token of this very browser", async () => {
  const { browser } = await newBrowser();
  const { browser: other } = await newBrowser();
  await other.get("/sessions");
  const { form: foreign = "" } = other.hidden("/sign-out");
  const visitor = new TestBrowser();
  await visitor.get("/sign-in");
  const { form: visitors = "" } = visitor.hidden("/sign-in");
  expect(foreign.length).toBe(32);
  for (const [path] of posted)
    for (const fields of [{}, { form: "" }, { form: foreign }, { form: visitors }])
      expect((await browser.post(path, fields as Record<string, string>)).status, path).toBe(403);
  expect((await browser.get("/sessions")).status).toBe(200);
});

test("nobody is signed in as somebody else by another's page", async () => {
  const { email } = await newUser();
  const attacker = new TestBrowser();
  await attacker.get("/sign-in");
  const theirs = attacker.hidden("/sign-in");
  for (const victim of [new TestBrowser(), await visitor()]) {
    const { status } = await victim.post("/sign-in", { ...theirs, email, password: goodPassword });
    expect([status, victim.cookies.has("__Host-keyline")]).toEqual([403, false]);
  }
});

test("a cookie is taken whole, from us, and only for what it is", async () => {
  const { browser, user } = await newBrowser();
  const cookie = browser.cookies.get("__Host-keyline") ?? "";
  const { browser: other } = await newBrowser();
  const [, , foreignUser = "", foreignMac = ""] = (other.cookies.get("__Host-keyline") ?? "").split("_");
  const [, session = "", own = "", mac = ""] = cookie.split("_");
  const isIn = async (text: string) => {
    const one = new TestBrowser();
    one.cookies.set("__Host-keyline", text);
    return (await one.get("/sessions")).status === 200;
  };
  expect(await isIn(cookie)).toBe(true);
  for (const text of [
    "",
    user.refreshToken,
    user.accessToken,
    user.refreshToken.replace("klr", "klp"),
    `klp_${session}_${foreignUser}_${mac}`,
    `klp_${own}_${session}_${mac}`,
    `klp_${session}_${own}_${foreignMac}`,
    cookie.slice(0, -1),
    `${cookie}0`,
  ])
    expect(await isIn(text), text).toBe(false);
  for (const refreshToken of [cookie, cookie.replace("klp", "klr"), `klr_${session}_1_${mac}`])
    expect((await call("tokens.refresh", { body: { refreshToken } })).status).toBe(401);
  expect((await call("me.get", { as: cookie })).status).toBe(401);
});

test("nothing leads on but to a page of ours", async () => {
  const { email } = await newUser();
  for (const to of [
    "//evil.example",
    "/\\evil.example",
    "https://evil.example",
    "%2f%2fevil.example",
    "/home/../..//evil.example",
    "javascript:alert(1)",
    "/sessions?x=//evil.example",
    " /sessions",
    "/v1/me",
  ]) {
    const browser = new TestBrowser();
    await browser.get(`/sign-in?continue=${encodeURIComponent(to)}`);
    expect(browser.last?.html).not.toContain("evil");
    const { headers } = await browser.submit("/sign-in", { email, password: goodPassword, continue: to });
    expect(headers.get("location"), to).toBe("/home");
    const shown = await browser.get(`/sign-in?continue=${encodeURIComponent(to)}`);
    expect(shown.headers.get("location"), to).toBe("/home");
  }
});

test("a form is small, and a form", async () => {
  const browser = await visitor();
  const { form = "" } = browser.hidden("/sign-in");
  expect((await browser.post("/sign-in", { form, email: "a".repeat(17_000), password: "x" })).status).toBe(
    413,
  );
  const headers = { "Content-Type": "text/plain" };
  expect((await browser.post("/sign-in", { form }, { headers })).status).toBe(415);
});

async function visitor(): Promise<TestBrowser> {
  const browser = new TestBrowser();
  await browser.get("/sign-in");
  return browser;
}
