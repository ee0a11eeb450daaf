import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { barriersOn } from "./accessibility.ts";
import { followMail, mailedTo, noBrowser, openBrowser, watched } from "./browser.ts";
import { type Instance, startInstance } from "./instance.ts";
import { type Look, lookerAt, looks, phone } from "./looks.ts";

// Our own pages as people meet them: on a phone, without a script, from signing up to signing out.

const withoutScript = { ...phone, javaScriptEnabled: false } as const;
const password = "four quiet lanterns drift";
let instance: Instance;
let browser: Browser;

before(async () => {
  mkdirSync(".wrangler/reports", { recursive: true });
  instance = await startInstance();
  if (!noBrowser) browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await instance?.stop();
});

test("somebody signs up, follows the mail, sees their sessions and signs out, with no script", {
  skip: noBrowser,
}, async () => {
  const page = await pageFor(withoutScript);
  await page.goto(instance.baseUrl);
  await page.getByRole("link", { name: "Sign up" }).click();
  await page.getByLabel("Name").fill("Ada Lovelace");
  await page.getByLabel("E-mail address").fill("ada@example.com");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign up" }).click();
  await page.getByRole("heading", { name: "Look at your mail" }).waitFor();
  await followMail(page, instance.baseUrl, "/verify?token=");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Confirm and sign in" }).click();
  await page.getByRole("heading", { name: "Your businesses" }).waitFor();
  await page.getByRole("link", { name: "Sessions" }).click();
  await page.getByText("this one").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "You are signed out" }).waitFor();
  await page.goto(`${instance.baseUrl}/sessions`);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
});

test("an owner of the demo signs in on the page and has a token for curl", { skip: noBrowser }, async () => {
  const page = await pageFor(withoutScript);
  await signIn(page);
  await page
    .getByRole("button", { name: /^Get a token for/ })
    .first()
    .click();
  const pasted = await page.locator("pre").innerText();
  const [, token = ""] = /export TOKEN=(\S+)/.exec(pasted) ?? [];
  const [, address = ""] = /(http\S+\/orders)/.exec(pasted) ?? [];
  const answer = await fetch(address, { headers: { Authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 200, await answer.text());
});

for (const [name, options] of Object.entries(looks)) {
  test(`the pages stand in nobody's way and look as they did: ${name}`, { skip: noBrowser }, async (t) => {
    const lookAt = await lookerAt(t, browser, name as Look);
    const page = await pageFor(options);
    const looked = (called: string) => lookAt(page, called);
    for (const path of ["sign-up", "sign-in", "forgot", "reset", "verify", "unlock", "confirm-email"]) {
      await page.goto(`${instance.baseUrl}/${path}`);
      await looked(path);
    }
    await signIn(page);
    for (const path of ["home", "account", "password", "programs", "second-factor"]) {
      await page.goto(`${instance.baseUrl}/${path}`);
      await looked(path);
    }
    await page.goto(`${instance.baseUrl}/oauth/authorize?${await askedByAProgram()}`);
    await page.getByRole("heading", { name: "Let Route planner in?" }).waitFor();
    await looked("authorize");
    await page.goto(await invitation());
    await page.getByRole("heading", { name: /^Join / }).waitFor();
    await looked("join");
    await page.goto(`${instance.baseUrl}/sessions`);
    await page.screenshot({ path: `.wrangler/reports/account-sessions-${name}.png` });
    assert.deepEqual(await barriersOn(page), []);
    await page.goto(`${instance.baseUrl}/second-factor`);
    await page.getByRole("button", { name: "Add: authenticator app" }).click();
    await page.getByRole("textbox", { name: "Code" }).waitFor();
    await page.waitForLoadState();
    await page.screenshot({ path: `.wrangler/reports/account-enrol-${name}.png` });
    assert.deepEqual(await barriersOn(page), []);
    await page.goto(`${instance.baseUrl}/home`);
    await page
      .getByRole("button", { name: /^Get a token for/ })
      .first()
      .click();
    await page.waitForLoadState();
    const { width } = options.viewport;
    assert.equal(await page.evaluate("document.documentElement.scrollWidth"), width, "the token is too wide");
    await page.screenshot({ path: `.wrangler/reports/account-token-${name}.png` });
    assert.deepEqual(await barriersOn(page), []);
  });
}

let invited: Promise<string> | undefined;

/** The link by which the second business of the demo asks the first one's owner to join it; one mail for all looks. */
function invitation(): Promise<string> {
  invited ??= invite();
  return invited;
}

async function invite(): Promise<string> {
  const [, tenant] = instance.tenants;
  const { ownerEmail: email } = ownerOfDemo();
  const made = await fetch(`${instance.baseUrl}/v1/tenants/${tenant?.slug}/invitations`, {
    method: "POST",
    headers: { Authorization: `Bearer ${tenant?.apiKey}`, "Content-Type": "application/json" },
    body: JSON.stringify({ email, role: "staff", allLocations: true }),
  });
  assert.equal(made.status, 201, await made.text());
  const link = await mailedTo(instance.baseUrl, email, /href="([^"]*\/join\?[^"]*)"/);
  return link.replaceAll("&amp;", "&");
}

/** The query of a request that nobody has allowed. */
async function askedByAProgram(): Promise<URLSearchParams> {
  const [tenant] = instance.tenants;
  const redirectUri = "https://planner.example/callback";
  const client = {
    name: "Route planner",
    type: "public",
    redirectUris: [redirectUri],
    grantTypes: ["authorization_code", "refresh_token"],
    scopes: ["orders:read", "customers:read"],
  };
  const made = await fetch(`${instance.baseUrl}/v1/tenants/${tenant?.slug}/oauth-clients`, {
    method: "POST",
    headers: { Authorization: `Bearer ${tenant?.apiKey}`, "Content-Type": "application/json" },
    body: JSON.stringify(client),
  });
  const text = await made.text();
  assert.equal(made.status, 201, text);
  return new URLSearchParams({
    response_type: "code",
    client_id: String(JSON.parse(text).clientId),
    redirect_uri: redirectUri,
    scope: "openid offline_access orders:read customers:read",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    code_challenge_method: "S256",
  });
}

async function signIn(page: Page): Promise<void> {
  const owner = ownerOfDemo();
  await page.goto(`${instance.baseUrl}/sign-in`);
  await page.getByLabel("E-mail address").fill(owner.ownerEmail);
  await page.getByLabel("Password").fill(owner.ownerPassword);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("heading", { name: "Your businesses" }).waitFor();
}

function ownerOfDemo(): { readonly ownerEmail: string; readonly ownerPassword: string } {
  return JSON.parse(readFileSync(`${instance.home}/.wrangler/demo.json`, "utf8")).tenants[0];
}

async function pageFor(options: BrowserContextOptions): Promise<Page> {
  const context = await browser.newContext(options);
  return watched(await context.newPage(), instance.baseUrl);
}
