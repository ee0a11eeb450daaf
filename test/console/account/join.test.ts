import { beforeAll, expect, test } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { newBrowser, TestBrowser } from "#test/console/account/kit.ts";
import { testEnv } from "#test/env.ts";
import { goodPassword, newUser } from "#test/identity/kit.ts";
import { mailedToken, newInvitation } from "#test/invitation-examples.ts";
import { newTenant } from "#test/world.ts";

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));

async function invited() {
  const [tenant, user] = [await newTenant(), await newUser()];
  const id = await newInvitation(tenant, { email: user.email, role: "staff" });
  const token = await mailedToken(tenant, id, user.email);
  return { tenant, user, path: `/join?tenant=${tenant.tenantId}&token=${token}` };
}

test("whoever follows an invitation's link signs in, is told by whom and as what, accepts, and finds the business", async () => {
  const { tenant, user, path } = await invited();
  const browser = new TestBrowser();
  const first = await browser.get(path);
  const toSignIn = first.headers.get("location") ?? "";
  expect([first.status, toSignIn]).toEqual([303, `/sign-in?continue=${encodeURIComponent(path)}`]);
  await browser.get(toSignIn);
  const signedIn = await browser.submit("/sign-in", { email: user.email, password: goodPassword });
  expect([signedIn.status, signedIn.headers.get("location")]).toEqual([303, path]);
  const page = await browser.get(path);
  expect(page.status).toBe(200);
  for (const words of [tenant.slug, "Staff", "Accept the invitation"]) expect(page.html).toContain(words);
  // Looking is not accepting, however often.
  expect((await browser.get("/home")).html).not.toContain(tenant.slug);
  await browser.get(path);
  const accepted = await browser.submit("/join", {});
  expect([accepted.status, accepted.html]).toEqual([200, expect.stringContaining("You are a member of")]);
  expect((await browser.get("/home")).html).toContain(tenant.slug);
});

test("somebody else's invitation is not theirs, and they are told how it is; one that is void says so", async () => {
  const { path } = await invited();
  const { browser } = await newBrowser();
  const page = await browser.get(path);
  expect([page.status, page.html]).toEqual([
    403,
    expect.stringContaining("The invitation is for another address."),
  ]);
  expect(page.html).toContain('action="/sign-out"');
  const void_ = await browser.get(path.replace(/klv_.*/, "klv_nothing"));
  expect([void_.status, void_.html]).toEqual([422, expect.stringContaining("is not valid")]);
});

test("no other address than an invitation's own leads back to that page", async () => {
  const { user, path } = await invited();
  const hostile = [
    `${path}&more=1`,
    path.replace("/join", "/join/x"),
    path.replace("ten_", "//evil.example/"),
  ];
  for (const target of hostile) {
    const browser = new TestBrowser();
    await browser.get(`/sign-in?continue=${encodeURIComponent(target)}`);
    const sent = await browser.submit("/sign-in", { email: user.email, password: goodPassword });
    expect(sent.headers.get("location"), target).toBe("/home");
  }
});
