import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { freePort, type Instance, startInstance } from "#test/contract/instance.ts";
import { HttpBrowser, type Page } from "./http-browser.ts";
import { type RealIssuer, startIssuer, startResolver, type Tampering } from "./real-issuer.ts";

// What `npm start` serves, with an issuer that nobody here wrote (oidc-provider), as everybody's and as a business's own.

const domain = "harbour.example";
const records = new Map<string, string>();
let instance: Instance;
let issuer: RealIssuer;
let other: RealIssuer;
let stopResolver: () => Promise<void>;
let source: string;

before(async () => {
  const [port, issuerPort, otherPort, resolverPort] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  const callback = `http://localhost:${port}/sign-in/callback`;
  stopResolver = await startResolver(resolverPort, records);
  const entry = { kind: "oidc", label: "Work", clientId: "keyline", trustsEmail: true };
  instance = await startInstance(port, {
    DOH_URL: `http://localhost:${resolverPort}/`,
    SIGN_IN_PROVIDERS: JSON.stringify([
      { ...entry, name: "work", issuer: `http://localhost:${issuerPort}` },
      { ...entry, name: "other", label: "Other", issuer: `http://localhost:${otherPort}` },
    ]),
    SIGN_IN_SECRETS: JSON.stringify({
      work: "a secret that only the two of them know",
      other: "a secret that only the two of them know",
    }),
  });
  source = await connect(`http://localhost:${issuerPort}`);
  const redirects = [`${callback}/work`, `${callback}/${source}`];
  issuer = await startIssuer(issuerPort, redirects, domain);
  other = await startIssuer(otherPort, [`${callback}/other`], "elsewhere.example");
});

after(async () => {
  await instance?.stop();
  await issuer?.stop();
  await other?.stop();
  await stopResolver?.();
});

/** Sets the business's own sign-in up, as its README says. @returns the connection's reference */
async function connect(issuerUrl: string): Promise<string> {
  const [tenant] = instance.tenants;
  assert.ok(tenant);
  const api = async (method: string, path: string, body?: object) => {
    const answer = await fetch(`${instance.baseUrl}/v1/tenants/${tenant.slug}${path}`, {
      method,
      headers: { Authorization: `Bearer ${tenant.apiKey}`, "Content-Type": "application/json" },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const json = (await answer.json()) as Record<string, string>;
    assert.ok(answer.ok, JSON.stringify(json));
    return json;
  };
  const connection = await api("POST", "/sso-connections", {
    name: "Own",
    issuer: issuerUrl,
    clientId: "keyline",
    clientSecret: "a secret that only the two of them know",
    defaultRole: "sales",
    addsMembers: true,
  });
  const listed = await api("POST", "/sso-domains", { domain, connectionId: connection.id });
  records.set(listed.recordName ?? "", listed.recordValue ?? "");
  await api("POST", `/sso-domains/${listed.id}/verify`);
  const found = await fetch(`${instance.baseUrl}/v1/sign-in/sso`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ email: `ada@${domain}` }),
  });
  return ((await found.json()) as { source: string }).source;
}

/** Signs in at the issuer's own pages, from ours and back to ours. */
async function signInThere(browser: HttpBrowser, from: Page, hint: string, name: string): Promise<Page> {
  let page = await browser.follow(from, hint);
  for (let steps = 0; steps < 4 && page.url.origin !== instance.baseUrl; steps += 1) {
    const fields: Record<string, string> = /name="login"/.test(page.html)
      ? { login: name, password: "any" }
      : {};
    page = await browser.submit(page, "<", fields);
  }
  return page;
}

test("somebody signs in at the issuer's pages and is in, and the same person when they come again", async () => {
  const browser = new HttpBrowser();
  const home = await signInThere(
    browser,
    await browser.get(`${instance.baseUrl}/sign-in`),
    "source=work",
    "ada",
  );
  assert.equal(home.url.pathname, "/home", home.html);
  const account = await browser.get(`${instance.baseUrl}/account`);
  assert.match(account.html, /ada@harbour\.example/);
  assert.match(account.html, /Ada Lovelace/);
  const again = new HttpBrowser();
  await signInThere(again, await again.get(`${instance.baseUrl}/sign-in`), "source=work", "ada");
  assert.match((await again.get(`${instance.baseUrl}/account`)).html, /ada@harbour\.example/);
});

test("somebody comes by their business's own sign-in, is made a member, and gets its token", async () => {
  const browser = new HttpBrowser();
  const asked = await browser.get(`${instance.baseUrl}/sign-in/sso`);
  const found = await browser.submit(asked, "/sign-in/sso", { email: `grace@${domain}` });
  const home = await signInThere(browser, found, "/sign-in/with", "grace");
  assert.equal(home.url.pathname, "/home", home.html);
  const [tenant] = instance.tenants;
  const token = await browser.submit(home, `value="${tenant?.slug}"`, {});
  const bearer = /export TOKEN=([\w.-]+)/.exec(token.html)?.[1];
  const orders = await fetch(`${instance.baseUrl}/v1/tenants/${tenant?.slug}/orders`, {
    headers: { Authorization: `Bearer ${bearer}` },
  });
  assert.equal(orders.status, 200);
  assert.match((await browser.get(`${instance.baseUrl}/sessions`)).html, /good for one business alone/);
});

const now = Math.floor(Date.now() / 1000);
const hostile: Readonly<Record<string, Tampering>> = {
  "another issuer": { claims: { iss: "https://accounts.google.com" } },
  "another audience": { claims: { aud: "another-client" } },
  "several audiences": { claims: { aud: ["keyline", "another-client"] } },
  "another party": { claims: { azp: "another-client" } },
  "another nonce": { claims: { nonce: "another" } },
  "no nonce": { claims: { nonce: null } },
  "a time that is over": { claims: { exp: now - 120, iat: now - 240 } },
  "no expiry": { claims: { exp: null } },
  "another's signature": { key: "stranger" },
};

for (const [what, tampering] of Object.entries(hostile))
  test(`an ID token with ${what} lets nobody in, everywhere`, async () => {
    issuer.tampering = tampering;
    try {
      const browser = new HttpBrowser();
      const page = await signInThere(
        browser,
        await browser.get(`${instance.baseUrl}/sign-in`),
        "source=work",
        "eve",
      );
      assert.match(page.html, /That sign-in did not work/);
      const asked = await browser.get(`${instance.baseUrl}/sign-in/sso`);
      const found = await browser.submit(asked, "/sign-in/sso", { email: `eve@${domain}` });
      const own = await signInThere(browser, found, "/sign-in/with", "eve");
      assert.match(own.html, /That sign-in did not work/);
      assert.equal((await browser.get(`${instance.baseUrl}/home`)).url.pathname, "/sign-in");
    } finally {
      issuer.tampering = null;
    }
  });

test("one issuer's answer is none of another's, though it comes to that one's address (mix-up)", async () => {
  const browser = new HttpBrowser();
  // What the honest issuer answers is caught on its way, and led to where the other's is awaited.
  const stopped = await signInThere(
    browser,
    await browser.get(`${instance.baseUrl}/sign-in`),
    "source=other",
    "eve",
  );
  assert.equal(stopped.url.pathname, "/home", "eve is somebody at her own issuer");
  const victim = new HttpBrowser();
  const left = await victim.follow(await victim.get(`${instance.baseUrl}/sign-in`), "source=other");
  assert.notEqual(left.url.origin, instance.baseUrl);
  const led = await victim.get(
    `${instance.baseUrl}/sign-in/callback/other?code=stolen&state=none&iss=${encodeURIComponent(issuer.issuer)}`,
  );
  assert.match(led.html, /That sign-in did not work/);
  const astray = await victim.get(`${instance.baseUrl}/sign-in/callback/work?code=stolen&state=none`);
  assert.equal(astray.url.pathname, "/sign-in");
});

test("an issuer of another domain speaks for nobody of this one", async () => {
  issuer.tampering = { claims: { email: "ada@elsewhere.example" } };
  try {
    const browser = new HttpBrowser();
    const asked = await browser.get(`${instance.baseUrl}/sign-in/sso`);
    const found = await browser.submit(asked, "/sign-in/sso", { email: `eve@${domain}` });
    const page = await signInThere(browser, found, "/sign-in/with", "eve");
    assert.match(page.html, /does not speak for this address/);
  } finally {
    issuer.tampering = null;
  }
});
