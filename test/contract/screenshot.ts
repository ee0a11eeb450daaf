import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Browser, Page } from "playwright-core";

// Screenshots are compared by cells of 8 × 8 pixels: where things are and how dark, not how glyphs are smoothed.

const cellPixels = 8;
const mostGreyApart = 24;

/** Set to write the references anew, from a page that was looked at. */
const isWriting = process.env.SCREENSHOTS === "write";

/**
 * How much of the page looks otherwise than its reference: 0 to 1. The picture itself is left in the reports for
 * whoever has to look.
 */
export async function changeOf(page: Page, name: string, called = name): Promise<number> {
  const reference = `test/contract/screenshots/${name}.png`;
  const shot = await page.screenshot({ path: `.wrangler/reports/${called}.png`, animations: "disabled" });
  const cells = await cellsOf(page, shot, cellPixels);
  if (isWriting && called === name) {
    mkdirSync(dirname(reference), { recursive: true });
    writeFileSync(reference, Buffer.from(cells.png, "base64"));
  }
  const expected = await cellsOf(page, readFileSync(reference), 1);
  if (expected.grey.length !== cells.grey.length) return 1;
  const changed = cells.grey.filter((grey, at) => Math.abs(grey - (expected.grey[at] ?? 0)) > mostGreyApart);
  return changed.length / cells.grey.length;
}

/** The references were made with these: other fonts break lines elsewhere. */
export async function hasReferenceFonts(browser: Browser): Promise<boolean> {
  const page = await browser.newPage();
  const widths = await page.evaluate<string>(`
    const drawing = document.createElement("canvas").getContext("2d");
    ["system-ui", "serif", "monospace"].map((family) => {
      drawing.font = "100px " + family;
      return Math.round(drawing.measureText("Sell work and time.").width);
    }).join()`);
  await page.close();
  return widths === "964,987,1144";
}

interface Cells {
  readonly grey: number[];
  /** base64. */
  readonly png: string;
}

// The browser reads and shrinks the picture, on a blank page that has no policy of its own.
async function cellsOf(page: Page, png: Buffer, size: number): Promise<Cells> {
  const blank = await page.context().newPage();
  try {
    return await blank.evaluate<Cells>(`(async () => {
      const answer = await fetch("data:image/png;base64,${png.toString("base64")}");
      const picture = await createImageBitmap(await answer.blob());
      const canvas = document.createElement("canvas");
      canvas.width = Math.ceil(picture.width / ${size});
      canvas.height = Math.ceil(picture.height / ${size});
      const drawing = canvas.getContext("2d");
      drawing.imageSmoothingQuality = "high";
      drawing.filter = "grayscale(1)";
      drawing.drawImage(picture, 0, 0, canvas.width, canvas.height);
      const { data } = drawing.getImageData(0, 0, canvas.width, canvas.height);
      return {
        grey: Array.from(data).filter((_, at) => at % 4 === 0),
        png: canvas.toDataURL("image/png").replace(/^.*,/, ""),
      };
    })()`);
  } finally {
    await blank.close();
  }
}
