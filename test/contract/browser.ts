import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** There nothing is skipped for what the machine lacks (.ci/run). */
export const isCi = process.env.CI === "true";

/** Why there is no browser to try; CI must have one. */
export const noBrowser =
  existsSync(executablePath) || isCi
    ? false
    : `there is no ${executablePath}: apt-get install chromium, or set CHROMIUM`;

export async function openBrowser(): Promise<Browser> {
  const flags = "no-sandbox disable-gpu disable-quic no-first-run disable-background-networking";
  const args = `${flags} disable-component-update disable-sync`.split(" ").map((flag) => `--${flag}`);
  const env = { ...process.env, FONTCONFIG_FILE: join(import.meta.dirname, "fonts.conf") };
  return await chromium.launch({ executablePath, args, env });
}

/** A web page of somebody's own, with the client beside it as a browser reads it. Its origin is that of the port. */
export async function servePage(port: number): Promise<Server> {
  const server = createServer((request, response) => {
    const [, name] = /^\/(client|operations|problem)\.ts$/.exec(request.url ?? "") ?? [];
    response.setHeader("Content-Type", name ? "text/javascript" : "text/html");
    response.end(
      name
        ? stripTypeScriptTypes(readFileSync(`src/client/${name}.ts`, "utf8"))
        : "<!doctype html><link rel=icon href=data:,><title>A shop</title>",
    );
  });
  await new Promise<void>((resolve) => server.listen(port, "localhost", resolve));
  return server;
}

/** A page on which nothing may be said on the console, thrown, or asked of another origin. */
export function watched(page: Page, ownOrigin: string): Page {
  const fail = (what: string) => {
    throw new Error(what);
  };
  page.on("console", (message) => fail(`console: ${message.text()}`));
  page.on("pageerror", (error) => fail(error.message));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:" && url.origin !== ownOrigin) fail(`it asked ${url.origin}`);
  });
  return page;
}

/** What the newest words in the mailbox for this address or number say of it, other than before; the queue takes a moment. */
export async function mailedTo(baseUrl: string, to: string, pattern: RegExp, before = ""): Promise<string> {
  for (let tries = 0; tries < 100; tries += 1) {
    const mails = (await (await fetch(`${baseUrl}/mailbox`)).text()).split('<details class="mail"');
    const theirs = mails.filter((mail) => mail.includes(`<b>${to}</b>`));
    const [, found] = theirs.map((mail) => pattern.exec(mail)).find((match) => match !== null) ?? [];
    if (found !== undefined && found !== before) return found;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`Nothing came for ${to}.`);
}

/** Follows the link of this kind in the mailbox; the queue takes a moment. */
export async function followMail(page: Page, baseUrl: string, to: string): Promise<void> {
  const link = page.locator(`a[href*="${to}"]`);
  for (let tries = 0; tries < 100; tries += 1) {
    await page.goto(`${baseUrl}/mailbox`);
    if ((await link.count()) > 0) return await link.first().click();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error("No mail came.");
}
