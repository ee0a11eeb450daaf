import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Browser, Page } from "playwright-core";
import { barriersOn } from "./accessibility.ts";
import { isCi } from "./browser.ts";
import { changeOf, hasReferenceFonts } from "./screenshot.ts";

export const phone = { viewport: { width: 390, height: 844 }, isMobile: true } as const;

/** What people meet our own pages on. */
export const looks = {
  phone,
  "phone-night": { ...phone, colorScheme: "dark" },
  desk: { viewport: { width: 1440, height: 1000 } },
} as const;
export type Look = keyof typeof looks;

const mostChanged = 0.05;
const otherFonts =
  "this machine has other fonts than Debian's: apt-get install fonts-dejavu-core fonts-dejavu-extra";
const howToAccept = "look at .wrangler/reports; if it is meant, npm run screenshots, and commit them";

/**
 * Looks at a page as it stands: nothing on it is wider than the screen or in anybody's way, and it is as its reference
 * of this name. Axe and the comparison are scripts themselves, let in by the debugger.
 */
export async function lookerAt(
  t: TestContext,
  browser: Browser,
  look: Look,
  kind: "account" | "mail" = "account",
): Promise<(page: Page, called: string) => Promise<void>> {
  const hasFonts = await hasReferenceFonts(browser);
  assert.ok(hasFonts || !isCi, otherFonts);
  if (!hasFonts) t.diagnostic(otherFonts);
  return async (page, called) => {
    await page.waitForLoadState();
    const { width } = looks[look].viewport;
    const wide = await page.evaluate("document.documentElement.scrollWidth");
    assert.equal(wide, width, `${called} is too wide`);
    assert.deepEqual(await barriersOn(page), [], called);
    if (!hasFonts) return;
    const changed = await changeOf(page, `${kind}-${called}-${look}`);
    assert.ok(changed < mostChanged, `${(changed * 100).toFixed(1)} % of ${called}: ${howToAccept}`);
  };
}
