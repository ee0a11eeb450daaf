/** A page as a browser without script has it. */
export interface Page {
  readonly url: URL;
  readonly status: number;
  readonly html: string;
}

const mostRedirects = 20;

/** A browser over real HTTP: it keeps each origin's cookies, follows redirects and sends forms. */
export class HttpBrowser {
  readonly #cookies = new Map<string, Map<string, string>>();

  async get(url: string | URL): Promise<Page> {
    return await this.#go(new URL(url), { method: "GET" });
  }

  /** The form of this page whose action, or anything in it, has this text; its fields filled in. */
  async submit(page: Page, hint: string, fields: Readonly<Record<string, string>>): Promise<Page> {
    const forms = [...page.html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gs)];
    const [, attributes = "", inside = ""] = forms.find(([whole]) => whole.includes(hint)) ?? [];
    if (attributes === "") throw new Error(`There is no form with ${hint} at ${page.url}: ${page.html}`);
    const action = unescaped(/action="([^"]*)"/.exec(attributes)?.[1] ?? "");
    const body = new URLSearchParams();
    for (const [input] of inside.matchAll(/<input\b[^>]*>/g)) {
      const name = /name="([^"]*)"/.exec(input)?.[1];
      if (name && /type="hidden"/.test(input))
        body.set(name, unescaped(/value="([^"]*)"/.exec(input)?.[1] ?? ""));
    }
    for (const [name, value] of Object.entries(fields)) body.set(name, value);
    return await this.#go(new URL(action, page.url), { method: "POST", body, from: page.url.origin });
  }

  /** The link of this page whose address has this text. */
  async follow(page: Page, hint: string): Promise<Page> {
    const links = [...page.html.matchAll(/href="([^"]*)"/g)].map(([, href = ""]) => unescaped(href));
    const href = links.find((each) => each.includes(hint));
    if (href === undefined) throw new Error(`There is no link with ${hint} at ${page.url}.`);
    return await this.get(new URL(href, page.url));
  }

  async #go(
    to: URL,
    first: { readonly method: string; readonly body?: URLSearchParams; readonly from?: string },
  ): Promise<Page> {
    let url = to;
    let { method, body }: { method: string; body?: URLSearchParams } = first;
    for (let redirects = 0; redirects < mostRedirects; redirects += 1) {
      const answer = await fetch(url, {
        method,
        redirect: "manual",
        headers: {
          "Sec-Fetch-Site": "same-origin",
          Cookie: [...this.#jar(url)].map(([name, value]) => `${name}=${value}`).join("; "),
          ...(first.from ? { Origin: first.from } : {}),
        },
        ...(body ? { body } : {}),
      });
      this.#keep(url, answer.headers.getSetCookie());
      const html = await answer.text();
      const location = answer.headers.get("location");
      if (answer.status < 300 || answer.status >= 400 || location === null)
        return { url, status: answer.status, html };
      url = new URL(location, url);
      [method, body] = ["GET", undefined];
    }
    throw new Error("It leads nowhere.");
  }

  #jar({ origin }: URL): Map<string, string> {
    const jar = this.#cookies.get(origin) ?? new Map<string, string>();
    this.#cookies.set(origin, jar);
    return jar;
  }

  #keep(url: URL, cookies: readonly string[]): void {
    for (const cookie of cookies) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (/max-age=0|expires=Thu, 01 Jan 1970/i.test(cookie)) this.#jar(url).delete(name);
      else this.#jar(url).set(name, value);
    }
  }
}

function unescaped(text: string): string {
  return text.replaceAll("&amp;", "&").replaceAll("&quot;", '"').replaceAll("&#39;", "'");
}
