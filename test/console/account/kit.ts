import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { createApp } from "#app.ts";
import type { Env } from "#platform/env.ts";
import { testEnv } from "#test/env.ts";
import { visited } from "#test/identity/federation/kit.ts";
import { goodPassword, newAddress, newUser, type TestUser } from "#test/identity/kit.ts";
import type { Visitor } from "#test/sign-in-server.ts";

const app = createApp();
const origin = "http://localhost:8787";

export interface Page {
  readonly status: number;
  readonly headers: Headers;
  readonly html: string;
  /** What it set, by the cookie's name. */
  readonly cookies: ReadonlyMap<string, string>;
}

export interface Sending {
  readonly headers?: Readonly<Record<string, string | null>>;
  readonly env?: Env;
}

/** A browser: it keeps its cookies, and sends forms as the page has them. */
export class TestBrowser {
  readonly cookies = new Map<string, string>();
  readonly #address = newAddress();
  last: Page | null = null;

  async get(path: string, { headers = {}, env = testEnv() }: Sending = {}): Promise<Page> {
    return await this.#send(new Request(origin + path, { headers: this.#headers(headers) }), env);
  }

  /** The form on the page that was shown last, with these fields filled in. */
  async submit(path: string, fields: Record<string, string>, sending: Sending = {}): Promise<Page> {
    return await this.post(path, { ...this.hidden(path), ...fields }, sending);
  }

  async post(path: string, fields: Record<string, string>, sending: Sending = {}): Promise<Page> {
    const headers = this.#headers({
      "Content-Type": "application/x-www-form-urlencoded",
      Origin: "null",
      "Sec-Fetch-Site": "same-origin",
      ...sending.headers,
    });
    const body = new URLSearchParams(fields).toString();
    return await this.#send(
      new Request(origin + path, { method: "POST", headers, body, redirect: "manual" }),
      sending.env ?? testEnv(),
    );
  }

  /** What a form of the last page keeps hidden. */
  hidden(action: string): Record<string, string> {
    const forms = [
      ...(this.last?.html ?? "").matchAll(/<form method="post" action="([^"]+)"[^>]*>(.*?)<\/form>/gs),
    ];
    const [, , form = ""] = forms.find(([, to]) => to === action) ?? [];
    const inputs = form.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g);
    return Object.fromEntries(
      [...inputs].map(([, name = "", value = ""]) => [name, value.replaceAll("&amp;", "&")]),
    );
  }

  /** Signs in by the page. */
  async signIn({ email, password }: { email: string; password: string }): Promise<Page> {
    await this.get("/sign-in");
    return await this.submit("/sign-in", { email, password });
  }

  #headers(given: Readonly<Record<string, string | null>>): Headers {
    const headers = new Headers(this.#address);
    headers.set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0");
    headers.set("Cookie", [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; "));
    for (const [name, value] of Object.entries(given))
      if (value === null) headers.delete(name);
      else headers.set(name, value);
    return headers;
  }

  async #send(request: Request, env: Env): Promise<Page> {
    const context = createExecutionContext();
    const response = await app.fetch(request, env, context);
    const html = await response.text();
    await waitOnExecutionContext(context);
    const cookies = new Map<string, string>();
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, cookie);
      if (/Max-Age=0;/.test(cookie)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    const page = { status: response.status, headers: response.headers, html, cookies };
    if (html !== "") this.last = page;
    return page;
  }
}

/** Somebody who has signed in by the page. */
export async function newBrowser(): Promise<{ browser: TestBrowser; user: TestUser }> {
  const user = await newUser();
  const browser = new TestBrowser();
  const page = await browser.signIn({ email: user.email, password: goodPassword });
  if (page.status !== 303) throw new Error(`Nobody was signed in: ${page.status} ${page.html}`);
  return { browser, user };
}

/** From a page's link to an issuer, and back to where the issuer sends the browser. */
export async function trip(browser: TestBrowser, path: string, visitor: Visitor) {
  const left = await browser.get(path, { headers: { "Sec-Fetch-Site": "same-origin" } });
  if (left.status !== 303) throw new Error(`${path} leads nowhere: ${left.status} ${left.html}`);
  const { to, parameters } = await visited(left.headers.get("location") ?? "", visitor);
  return { left, callback: new URL(to).pathname, parameters };
}

export async function signInWith(browser: TestBrowser, source: string, visitor: Visitor): Promise<Page> {
  const { callback, parameters } = await trip(browser, `/sign-in/with?source=${source}`, visitor);
  return await browser.get(`${callback}?${parameters}`);
}

/** As if an hour had passed since anybody proved who they are. */
export async function provedLongAgo(): Promise<void> {
  const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
  await testEnv()
    .DIRECTORY.prepare("update sessions set proved_at = ?1, signed_in_at = ?1 where state = 'active'")
    .bind(hourAgo)
    .run();
}
