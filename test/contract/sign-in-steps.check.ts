import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { generateSync } from "otplib";
import type { Browser, Page } from "playwright-core";
import { type RealIssuer, startIssuer } from "#test/identity/federation/real-issuer.ts";
import { mailedTo, noBrowser, openBrowser, watched } from "./browser.ts";
import { freePort, type Instance, startInstance } from "./instance.ts";
import { type Look, lookerAt, looks } from "./looks.ts";

// The pages on the way in, and of a proof once more, that ask for more than a password: each step is taken, and looked at.

const password = "four quiet lanterns drift";
/** Who takes them, each on their own screen, as what is asked for too often is refused. */
const people: Readonly<Record<Look, { readonly role: string; readonly number: string }>> = {
  phone: { role: "sales", number: "+31612345601" },
  "phone-night": { role: "designer", number: "+31612345602" },
  desk: { role: "installer", number: "+31612345603" },
};
let instance: Instance;
let issuer: RealIssuer;
let browser: Browser;

before(async () => {
  mkdirSync(".wrangler/reports", { recursive: true });
  const [port, issuerPort] = [await freePort(), await freePort()];
  const callback = `http://localhost:${port}/sign-in/callback/work`;
  issuer = await startIssuer(issuerPort, [callback], "elsewhere.example");
  const entry = { kind: "oidc", name: "work", label: "Work", issuer: issuer.issuer };
  instance = await startInstance(port, {
    SIGN_IN_PROVIDERS: JSON.stringify([{ ...entry, clientId: issuer.clientId }]),
    SIGN_IN_SECRETS: JSON.stringify({ work: issuer.clientSecret }),
  });
  await allowTexts();
  if (!noBrowser) browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await instance?.stop();
  await issuer?.stop();
});

for (const [name, options] of Object.entries(looks)) {
  const look = name as Look;
  const { role, number } = people[look];
  const email = `${role}@harbour-cafe.example`;

  test(`a number, then an app, ask for a code on the way in and for a proof: ${look}`, {
    skip: noBrowser,
  }, async (t) => {
    const lookAt = await lookerAt(t, browser, look);
    const page = await pageFor(options);
    await choosePassword(page, email);
    await signIn(page, email);
    await page.getByRole("heading", { name: "Your businesses" }).waitFor();
    await page.goto(`${instance.baseUrl}/prove?continue=/second-factor`);
    await lookAt(page, "prove");
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Go on" }).click();

    await page.getByRole("button", { name: "Add: telephone number" }).click();
    await page.getByRole("heading", { name: "Add your number" }).waitFor();
    await lookAt(page, "sms-number");
    await page.getByLabel("Telephone number").fill(number);
    await page.getByRole("button", { name: "Text me a code" }).click();
    await page.getByRole("heading", { name: "Confirm your number" }).waitFor();
    await lookAt(page, "sms-confirm");
    const confirming = await textedTo(number);
    await page.getByLabel("Code").fill(confirming);
    await page.getByRole("button", { name: "Turn it on" }).click();
    await page.getByRole("heading", { name: "Keep these codes" }).waitFor();
    await lookAt(page, "recovery-codes");
    await page.getByRole("link", { name: "Go on" }).click();

    await signOut(page);
    await signIn(page, email);
    await page.getByRole("heading", { name: "One more step" }).waitFor();
    await lookAt(page, "challenge-sms");
    await page.getByRole("button", { name: "Text me a code" }).click();
    await page.getByRole("button", { name: "Send another code" }).waitFor();
    await lookAt(page, "challenge-sms-code");
    await page.getByLabel("Code", { exact: true }).fill(await textedTo(number, confirming));
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("heading", { name: "Your businesses" }).waitFor();
    await page.goto(`${instance.baseUrl}/prove?continue=/second-factor`);
    await page.getByRole("button", { name: "Text me a code" }).waitFor();
    await lookAt(page, "prove-sms");

    const secret = await addApp(page);
    await signOut(page);
    await signIn(page, email);
    await page.getByRole("heading", { name: "One more step" }).waitFor();
    await lookAt(page, "challenge");
    await page.getByLabel("Code", { exact: true }).fill(codeOf(secret, 1));
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("heading", { name: "Your businesses" }).waitFor();
    await page.goto(`${instance.baseUrl}/prove?continue=/second-factor`);
    await page.getByLabel("Code").waitFor();
    await lookAt(page, "prove-app");
  });

  test(`whoever comes by another issuer proves their address, and has no password yet: ${look}`, {
    skip: noBrowser,
  }, async (t) => {
    const lookAt = await lookerAt(t, browser, look);
    const page = await pageFor(options);
    await page.goto(`${instance.baseUrl}/sign-in/sso`);
    await lookAt(page, "sso");
    await page.goto(`${instance.baseUrl}/sign-in`);
    await lookAt(page, "sign-in-issuers");
    const there = await signInElsewhere(await page.context().newPage(), look);
    await lookAt(there, "email-code");
    const code = await mailedTo(
      instance.baseUrl,
      `${look}@elsewhere.example`,
      /Code: ([0-9a-z]{5}-[0-9a-z]{5})/,
    );
    await there.getByLabel("Code").fill(code);
    await there.getByRole("button", { name: "Go on" }).click();
    await there.getByRole("heading", { name: "Your businesses" }).waitFor();
    await page.goto(`${instance.baseUrl}/prove?continue=/account`);
    await page.getByRole("link", { name: "Sign in again with Work" }).waitFor();
    await lookAt(page, "prove-without-password");
    await page.goto(`${instance.baseUrl}/password`);
    await page.getByRole("heading", { name: "Choose a password" }).waitFor();
    await lookAt(page, "choose-password");
    await page.goto(`${instance.baseUrl}/account`);
    await lookAt(page, "account-without-password");
  });
}

/** As the owner of the first tenant of the demo. */
async function allowTexts(): Promise<void> {
  const [owner] = JSON.parse(readFileSync(`${instance.home}/.wrangler/demo.json`, "utf8")).tenants;
  const asked = async (method: string, path: string, body: object, token = "") => {
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    const answer = await fetch(instance.baseUrl + path, { method, headers, body: JSON.stringify(body) });
    const text = await answer.text();
    assert.ok(answer.ok, text);
    return JSON.parse(text);
  };
  const { ownerEmail: email, ownerPassword, slug: tenant } = owner;
  const { refreshToken } = await asked("POST", "/v1/sign-in", { email, password: ownerPassword });
  const { accessToken } = await asked("POST", "/v1/tokens", { refreshToken, tenant });
  const policy = { secondFactor: "off", allowsSms: true };
  await asked("PUT", `/v1/tenants/${tenant}/security-policy`, policy, accessToken);
}

/** At the issuer's own pages, which nobody here answers for: they ask for fonts from elsewhere, and get none. */
async function signInElsewhere(page: Page, login: string): Promise<Page> {
  await page.route("https://**", (route) => route.abort());
  await page.goto(`${instance.baseUrl}/sign-in`);
  await page.getByRole("link", { name: "Continue with Work" }).click();
  await page.getByPlaceholder("Enter any login").fill(login);
  await page.getByPlaceholder("and password").fill("any");
  await page.getByRole("button", { name: "Sign-in" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("heading", { name: "Look at your mail" }).waitFor();
  return page;
}

/** Those whom the demo knows have no password before. */
async function choosePassword(page: Page, email: string): Promise<void> {
  await page.goto(`${instance.baseUrl}/forgot`);
  await page.getByLabel("E-mail address").fill(email);
  await page.getByRole("button", { name: "Send the link" }).click();
  await page.getByRole("heading", { name: "Look at your mail" }).waitFor();
  await page.goto(await mailedTo(instance.baseUrl, email, /href="([^"]*\/reset\?token=[^"]*)"/));
  await page.getByLabel("New password").fill(password);
  await page.getByRole("button", { name: "Change the password" }).click();
  await page.getByRole("heading", { name: "Your password is changed" }).waitFor();
}

async function signIn(page: Page, email: string): Promise<void> {
  await page.goto(`${instance.baseUrl}/sign-in`);
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

async function signOut(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "You are signed out" }).waitFor();
}

/** @returns its secret */
async function addApp(page: Page): Promise<string> {
  await page.goto(`${instance.baseUrl}/second-factor`);
  await page.getByRole("button", { name: "Add: authenticator app" }).click();
  const secret = (await page.locator(".secret").innerText()).replaceAll(" ", "");
  await page.getByLabel("Code").fill(codeOf(secret));
  await page.getByRole("button", { name: "Turn it on" }).click();
  await page.getByRole("link", { name: "Go on" }).click();
  return secret;
}

/** No step's code is good twice, and the next step's is good already. */
function codeOf(secret: string, stepsLater = 0): string {
  return generateSync({ secret, epoch: Math.floor(Date.now() / 1000) + 30 * stepsLater });
}

async function textedTo(number: string, before?: string): Promise<string> {
  return await mailedTo(instance.baseUrl, number, /\b([0-9]{6}) is your code/, before);
}

async function pageFor(options: (typeof looks)[Look]): Promise<Page> {
  const context = await browser.newContext(options);
  return watched(await context.newPage(), instance.baseUrl);
}
