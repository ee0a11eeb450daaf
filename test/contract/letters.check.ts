import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import type { MailKind } from "#mail/kinds.ts";
import { written } from "#mail/letter.ts";
import { letterOf } from "#mail/templates.ts";
import { letters } from "#test/mail/letters.ts";
import { noBrowser, openBrowser } from "./browser.ts";
import { lookerAt, phone } from "./looks.ts";

// Every mail as somebody reads it on a telephone, by its HTML and by its text alone.

const site = { name: "Harbour Café", origin: "https://harbour.example" };
let browser: Browser;

before(async () => {
  mkdirSync(".wrangler/reports", { recursive: true });
  if (!noBrowser) browser = await openBrowser();
});

after(async () => await browser?.close());

for (const [kind, [data]] of Object.entries(letters)) {
  const letter = letterOf(kind as MailKind, JSON.stringify(data), site);

  test(`the mail ${kind} is read on a telephone, and says the same in plain text`, {
    skip: noBrowser,
  }, async (t) => {
    assert.ok(letter);
    const { html, text } = written(letter, site);
    const lookAt = await lookerAt(t, browser, "phone", "mail");
    const context = await browser.newContext({ ...phone, reducedMotion: "reduce" });
    const page = await context.newPage();
    await page.setContent(html);
    await lookAt(page, kind);
    const shown = await page.evaluate<string>("document.body.innerText");
    const plain = (words: string) => words.replaceAll(/\s+/g, " ").trim();
    for (const line of text.split("\n").filter((each) => each !== ""))
      assert.ok(plain(shown).includes(plain(line.replace(/:$/, ""))), line);
    const links = [...text.matchAll(/https?:\/\/\S+\/\S+/g)].map(([link]) => link);
    const buttons = await page
      .getByRole("link")
      .evaluateAll((all) => all.map((each) => each.getAttribute("href")));
    assert.deepEqual(links, buttons);
    await context.close();
  });
}
