import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { barriersOn } from "./accessibility.ts";
import { followMail, noBrowser, openBrowser, watched } from "./browser.ts";
import { type Instance, startInstance } from "./instance.ts";

// Passkeys by Chromium and an authenticator of its own, which nobody here wrote.

const password = "four quiet lanterns drift";
const email = "grace@example.com";
let instance: Instance;
let browser: Browser;

before(async () => {
  instance = await startInstance();
  if (!noBrowser) browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await instance?.stop();
});

test("somebody adds a passkey, signs in with it alone and as the second step, proves themselves by it, and removes it", {
  skip: noBrowser,
}, async () => {
  const page = watched(await (await browser.newContext()).newPage(), instance.baseUrl);
  const authenticator = await authenticatorOf(page);
  await signUp(page);

  await page.getByRole("link", { name: "Second factor" }).click();
  await page.getByRole("button", { name: "Add: passkey" }).click();
  assert.equal(await page.getByLabel("Name").inputValue(), "Chrome on Linux");
  await looked(page, "passkey-add");
  await page.getByLabel("Name").fill("Grace's laptop");
  await page.getByRole("button", { name: "Make the passkey" }).click();
  await page.getByRole("heading", { name: "Keep these codes" }).waitFor();
  await page.getByRole("link", { name: "Go on" }).click();
  await page.getByText("Not used yet").waitFor();
  await looked(page, "passkeys");
  assert.equal((await authenticator.credentials()).length, 1);

  // Its own browser knows that this authenticator has one already.
  await page.getByRole("button", { name: "Add: passkey" }).click();
  await page.getByRole("button", { name: "Make the passkey" }).click();
  await page.getByText("No passkey was used").waitFor();

  // What the browser suggests for the address, this user takes at once.
  await signOut(page);
  await page.getByRole("heading", { name: "Your businesses" }).waitFor();

  // From here on as in a browser that suggests none.
  await page.addInitScript("delete PublicKeyCredential.isConditionalMediationAvailable");
  await signOut(page);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.getByRole("heading", { name: "Your businesses" }).waitFor();

  await signOut(page);
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("button", { name: "Use your passkey" }).waitFor();
  await looked(page, "passkey-second-step");
  await page.getByRole("button", { name: "Use your passkey" }).click();
  await page.getByRole("heading", { name: "Your businesses" }).waitFor();

  await page.goto(`${instance.baseUrl}/prove?continue=/second-factor`);
  await page.getByRole("button", { name: "Use your passkey" }).click();
  await page.getByText("Last used").waitFor();

  await authenticator.refuse();
  await page.goto(`${instance.baseUrl}/prove?continue=/second-factor`);
  await page.getByRole("button", { name: "Use your passkey" }).click();
  await page.getByText("No passkey was used").waitFor();

  await page.goto(`${instance.baseUrl}/second-factor`);
  await page.getByRole("button", { name: "Remove: passkey Grace's laptop" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
});

test("where there can be no passkey, none is offered", { skip: noBrowser }, async () => {
  const page = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
  await page.goto(`${instance.baseUrl}/sign-in`);
  assert.equal(await page.getByRole("button", { name: "Sign in with a passkey" }).count(), 0);
  assert.equal(await page.getByRole("button", { name: "Sign in" }).count(), 1);
});

/** Nothing stands in anybody's way on it; the picture is for whoever looks. */
async function looked(page: Page, called: string): Promise<void> {
  await page.screenshot({ path: `.wrangler/reports/${called}.png` });
  assert.deepEqual(await barriersOn(page), [], called);
}

async function signUp(page: Page): Promise<void> {
  await page.goto(`${instance.baseUrl}/sign-up`);
  await page.getByLabel("Name").fill("Grace Hopper");
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign up" }).click();
  await followMail(page, instance.baseUrl, "/verify?token=");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Confirm and sign in" }).click();
  await page.getByRole("heading", { name: "Your businesses" }).waitFor();
}

async function signOut(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("link", { name: "Sign in again" }).click();
}

/** In the machine, as phones and laptops have one, with a user who touches it at once. */
async function authenticatorOf(page: Page) {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    credentials: async () => (await session.send("WebAuthn.getCredentials", { authenticatorId })).credentials,
    /** It does not know the finger any more. */
    refuse: async () =>
      await session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false }),
  };
}
