import { afterEach, expect, test, vi } from "vitest";
import { minuteMs } from "#lib/time.ts";
import { clientOf } from "#test/client.ts";
import { newBrowser, TestBrowser } from "#test/console/account/kit.ts";
import { join } from "#test/identity/kit.ts";
import { asked, newClient, origin, redeem, redirectUri } from "#test/identity/oauth/kit.ts";
import { as, newTenant } from "#test/world.ts";
import { grown, written } from "#test/written.ts";

const { call } = clientOf();

afterEach(() => void vi.useRealTimers());

async function world(client: object = {}) {
  const tenant = await newTenant();
  const { browser, user } = await newBrowser();
  await join(user, tenant, "manager");
  return { tenant, browser, user, client: await newClient(tenant, client) };
}

function pathOf(fields: Record<string, string>): string {
  return `/oauth/authorize?${new URLSearchParams(fields)}`;
}

/** What the page's own form proves itself by, and says that it showed. */
function formOf(browser: TestBrowser): Record<string, string> {
  const form = /action="\/oauth\/authorize\?[^"]*"><input type="hidden" name="form" value="([^"]+)"/.exec(
    browser.last?.html ?? "",
  );
  const shown = /name="shown" value="([^"]+)"/.exec(browser.last?.html ?? "");
  return { form: form?.[1] ?? "none", shown: shown?.[1] ?? "none" };
}

test("whoever follows a program's link signs in, is asked in plain words, and is sent back with a code", async () => {
  const { tenant, user, client } = await world();
  const stranger = new TestBrowser();
  const path = pathOf(asked(client));
  const first = await stranger.get(path);
  expect([first.status, first.headers.get("location")]).toEqual([
    303,
    `/sign-in?continue=${encodeURIComponent(path)}`,
  ]);
  await stranger.get(first.headers.get("location") ?? "");
  const kept = { form: stranger.hidden("/sign-in").form ?? "", continue: path };
  const signedIn = await stranger.post("/sign-in", { ...kept, email: user.email, password: user.password });
  expect([signedIn.status, signedIn.headers.get("location")]).toEqual([303, path]);
  const { status, html, headers } = await stranger.get(path);
  expect(status).toBe(200);
  for (const text of [
    "Let Route planner in?",
    tenant.business.name,
    "planner.example",
    "See orders",
    "Know that it is you",
  ])
    expect(html).toContain(text);
  expect(headers.get("content-security-policy")).toContain("form-action 'self' https://planner.example;");
  const sent = await stranger.post(path, { ...formOf(stranger), decision: "allow" });
  const to = new URL(sent.headers.get("location") ?? "");
  expect([sent.status, `${to.origin}${to.pathname}`]).toEqual([303, redirectUri]);
  expect([to.searchParams.get("state"), to.searchParams.get("iss")]).toEqual(["a state", origin]);
  expect((await redeem(client, to.searchParams.get("code") ?? "")).status).toBe(200);
  // Who allowed it once is not asked again.
  const again = await stranger.get(path);
  expect(new URL(again.headers.get("location") ?? "").searchParams.has("code")).toBe(true);
});

test("who says yes to a page is asked anew where the program may do more by then", async () => {
  const { tenant, browser, client } = await world({ scopes: ["orders:read"] });
  const path = pathOf(asked(client, { scope: "openid orders:read customers:read" }));
  await browser.get(path);
  const yes = { ...formOf(browser), decision: "allow" };
  const body = { scopes: ["orders:read", "customers:read"] };
  await call("oauth-clients.update", { ...as(tenant), params: { oauthClientId: client.id }, body });
  const again = await browser.post(path, yes);
  expect([again.status, again.headers.has("location")]).toEqual([200, false]);
  expect(again.html).toContain("See customers");
  const sent = await browser.post(path, { ...formOf(browser), decision: "allow" });
  expect(new URL(sent.headers.get("location") ?? "").searchParams.has("code")).toBe(true);
});

test("what was allowed is on a page of its own, by the account, where it is taken back", async () => {
  const { browser, client } = await world();
  expect((await browser.get("/programs")).html).toContain("There are none.");
  const path = pathOf(asked(client));
  await browser.get(path);
  await browser.post(path, { ...formOf(browser), decision: "allow" });
  expect((await browser.get("/account")).html).toContain('href="/programs"');
  const { html } = await browser.get("/programs");
  for (const text of ["Route planner", "openid orders:read"]) expect(html).toContain(text);
  const sent = await browser.submit("/programs", { program: client.clientId });
  expect([sent.status, sent.headers.get("location")]).toEqual([303, "/programs"]);
  expect((await browser.get("/programs")).html).not.toContain("Route planner");
  // It would be let in at once if it were still allowed.
  expect((await browser.get(path)).status).toBe(200);
});

test("who says no is sent back with that", async () => {
  const { browser, client } = await world();
  const path = pathOf(asked(client));
  await browser.get(path);
  const sent = await browser.post(path, { ...formOf(browser), decision: "deny" });
  expect(new URL(sent.headers.get("location") ?? "").searchParams.get("error")).toBe("access_denied");
});

test("no other page can say yes, nor a form of another browser, nor a link", async () => {
  const { browser, client } = await world();
  const path = pathOf(asked(client));
  await browser.get(path);
  const own = { ...formOf(browser), decision: "allow" };
  const { browser: other } = await newBrowser();
  await other.get("/home");
  const before = await written();
  const crossSite = { headers: { "Sec-Fetch-Site": "cross-site", Origin: "https://evil.example" } };
  expect((await browser.post(path, own, crossSite)).status).toBe(403);
  expect((await browser.post(path, { ...own, form: other.hidden("/sign-out").form ?? "" })).status).toBe(403);
  expect((await browser.post(path, { decision: "allow" })).status).toBe(403);
  expect((await browser.get(`${path}&decision=allow`)).status).toBe(200);
  expect(grown(before, await written())).toEqual({});
});

test("what is wrong with a link is told to who follows it, and nobody is sent to where it says", async () => {
  const { browser, client } = await world();
  const { client: foreign } = await world();
  for (const path of [
    pathOf(asked(client, { redirect_uri: "https://evil.example/" })),
    `${pathOf(asked(client))}&redirect_uri=https%3A%2F%2Fevil.example%2F`,
    pathOf(asked(foreign)),
    pathOf(asked({ clientId: "nobody" })),
    "/oauth/authorize",
  ]) {
    const { status, headers, html } = await browser.get(path);
    expect([404, 422], path).toContain(status);
    expect(headers.has("location")).toBe(false);
    expect(html).not.toContain("evil.example");
    expect(headers.get("content-security-policy")).toContain("form-action 'self';");
  }
});

test("a sign-in leads on to the page of a request, and to nothing that merely looks like it", async () => {
  const { user, client } = await world();
  const path = pathOf(asked(client));
  for (const [to, expected] of [
    [path, path],
    ["/oauth/authorize", "/home"],
    ["/oauth/authorize/../../evil?x", "/home"],
    ["//evil.example/oauth/authorize?x", "/home"],
    ["https://evil.example/oauth/authorize?x", "/home"],
    ["/oauth/authorize?x\r\nSet-Cookie: a=b", "/home"],
  ] as const) {
    const browser = new TestBrowser();
    await browser.get("/sign-in");
    const form = browser.hidden("/sign-in").form ?? "";
    const sent = await browser.post("/sign-in", {
      form,
      continue: to,
      email: user.email,
      password: user.password,
    });
    expect(sent.headers.get("location"), to).toBe(expected);
  }
});

test("a program that asks for no page is told that nobody has signed in, at its own address alone", async () => {
  const { client } = await world();
  const silent = asked(client, { prompt: "none" });
  const { status, headers } = await new TestBrowser().get(pathOf(silent));
  const to = new URL(headers.get("location") ?? "");
  expect([status, `${to.origin}${to.pathname}`]).toEqual([303, redirectUri]);
  expect(Object.fromEntries(to.searchParams)).toEqual({
    error: "login_required",
    state: "a state",
    iss: origin,
  });
  for (const wrong of [{ redirect_uri: "https://evil.example/" }, { client_id: "nobody" }]) {
    const path = pathOf({ ...silent, ...wrong });
    const sent = await new TestBrowser().get(path);
    expect(sent.headers.get("location")).toBe(`/sign-in?continue=${encodeURIComponent(path)}`);
  }
});

test("a program that asks for a recent sign-in has its user prove who they are once more", async () => {
  const { browser, client } = await world();
  vi.useFakeTimers({ now: Date.now() + 5 * minuteMs, toFake: ["Date"] });
  const path = pathOf(asked(client, { max_age: "60" }));
  const { status, headers } = await browser.get(path);
  expect([status, headers.get("location")]).toEqual([303, `/prove?continue=${encodeURIComponent(path)}`]);
});

test("a program's name is text and nothing else, and so is what it asks for", async () => {
  const { browser, client } = await world({ name: `<img src=x onerror="alert(1)">` });
  const { html } = await browser.get(pathOf(asked(client, { state: `"><script>alert(1)</script>` })));
  expect(html).toContain("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;");
  expect(html).not.toMatch(/<img|<script/);
});
