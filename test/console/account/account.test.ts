import { beforeAll, expect, test } from "vitest";
import { accountPages } from "#console/account/pages.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { newBrowser, provedLongAgo, TestBrowser } from "#test/console/account/kit.ts";
import { testEnv } from "#test/env.ts";
import { join, mailsTo, newEmail, tokenMailedTo } from "#test/identity/kit.ts";
import { newTenant } from "#test/world.ts";

const newPassword = "seven loud trumpets sink";

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));

test("another address is asked for, confirmed by the mailed link and the password, and signs in", async () => {
  const { browser, user } = await newBrowser();
  await browser.get("/account");
  const email = newEmail();
  const { form = "" } = browser.hidden("/account");
  const weird = await browser.post("/account", {
    form,
    do: "email",
    email: "no address",
  });
  expect([weird.status, weird.html]).toEqual([422, expect.stringContaining('id="email-fault"')]);
  const asked = await browser.post("/account", { form, do: "email", email });
  expect([asked.status, asked.html]).toEqual([200, expect.stringContaining(email)]);
  const link = `/confirm-email?token=${await tokenMailedTo(email)}`;
  const elsewhere = new TestBrowser();
  await elsewhere.get(link);
  const wrong = await elsewhere.submit("/confirm-email", {
    password: "not this one at all",
  });
  expect(wrong.html).toContain('id="password-fault"');
  const done = await elsewhere.submit("/confirm-email", {
    password: user.password,
  });
  expect([done.status, done.html]).toEqual([200, expect.stringContaining(email)]);
  await elsewhere.get(link);
  expect((await elsewhere.submit("/confirm-email", { password: user.password })).status).toBe(410);
  expect((await new TestBrowser().signIn({ email, password: user.password })).status).toBe(303);
  expect((await new TestBrowser().signIn(user)).status).toBe(422);
});

test("an account is deleted by typing its address, after a fresh proof, and not while it owns a business", async () => {
  const { browser, user } = await newBrowser();
  const close = async (typed: string) => {
    await browser.get("/account");
    const { form = "" } = browser.hidden("/account");
    return await browser.post("/account", { form, do: "close", typed });
  };
  const mistyped = await close(newEmail());
  expect([mistyped.status, mistyped.html]).toEqual([422, expect.stringContaining("Nothing was deleted.")]);
  await provedLongAgo();
  const unproved = await close(user.email);
  expect(unproved.headers.get("location")).toBe("/prove?continue=%2Faccount");
  await browser.get("/prove?continue=/account");
  const proved = await browser.submit("/prove", { password: user.password });
  expect(proved.headers.get("location")).toBe("/account");
  await join(user, await newTenant(), "owner");
  const owner = await close(user.email);
  expect([owner.status, owner.html]).toEqual([409, expect.stringContaining("You own a business here.")]);

  const { browser: other, user: leaving } = await newBrowser();
  await other.get("/account");
  const { form = "" } = other.hidden("/account");
  const closed = await other.post("/account", {
    form,
    do: "close",
    typed: ` ${leaving.email.toUpperCase()}`,
  });
  expect([closed.status, other.cookies.has("__Host-keyline")]).toEqual([200, false]);
  expect((await new TestBrowser().signIn(leaving)).status).toBe(422);
});

test("every link of a mail leads to a page", async () => {
  const { browser, user } = await newBrowser();
  await browser.get("/account");
  const { form = "" } = browser.hidden("/account");
  const email = newEmail();
  await browser.post("/account", { form, do: "email", email });
  await browser.post("/password", {
    form,
    currentPassword: user.password,
    password: newPassword,
  });
  await browser.get("/forgot");
  await browser.submit("/forgot", { email: user.email });
  const mails = [...(await mailsTo(user.email)), ...(await mailsTo(email))];
  const links = mails.flatMap(({ data }) => Object.entries(data).filter(([name]) => /link$/i.test(name)));
  expect(links.length).toBeGreaterThan(4);
  for (const [name, link] of links) expect(Object.keys(accountPages), name).toContain(new URL(link).pathname);
});
