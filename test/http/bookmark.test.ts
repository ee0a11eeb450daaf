import { expect, test } from "vitest";
import { createTenantKey, openKeyRing, type TenantKeyRing } from "#crypto/key-ring.ts";
import { bookmarkHeader, bookmarkOf, laterBookmark } from "#http/bookmark.ts";
import { keksOfText } from "#test/keks.ts";

const stood = "00000085-00000002-00004b3e-d1c9";

test("a bookmark comes back for its own tenant and cell alone", async () => {
  const [mine, theirs] = [await ringOf("ten_a"), await ringOf("ten_b")];
  const header = await bookmarkHeader(mine, "ten_a", "us1", stood);
  expect(await bookmarkHeader(mine, "ten_a", "us1", stood)).toBe(header);
  expect(await bookmarkHeader(mine, "ten_a", "us2", stood)).not.toBe(header);
  const later = stood.replace("85", "86");
  expect(await bookmarkOf(mine, "ten_a", "us1", await bookmarkHeader(mine, "ten_a", "us1", later))).toBe(
    later,
  );
  expect(await bookmarkOf(mine, "ten_a", "us1", header)).toBe(stood);
  expect(await bookmarkOf(mine, "ten_a", "us2", header)).toBeNull();
  expect(await bookmarkOf(theirs, "ten_b", "us1", header)).toBeNull();
  expect(await bookmarkOf(theirs, "ten_a", "us1", header)).toBeNull();
});

test("a bookmark that was altered, cut or made up is ignored", async () => {
  const ring = await ringOf("ten_a");
  const header = await bookmarkHeader(ring, "ten_a", "us1", stood);
  const mac = header.slice(stood.length);
  const wrong = [
    "",
    stood,
    mac,
    `${stood}0${mac}`,
    `00000086${header.slice(8)}`,
    `${header}A`,
    header.slice(0, -1),
    `first-primary${mac}`,
    `${stood}~${"A".repeat(22)}`,
  ];
  for (const text of wrong) expect(await bookmarkOf(ring, "ten_a", "us1", text), text).toBeNull();
});

test("of two bookmarks the later one counts, and any counts more than none", () => {
  const later = "00000086-00000001-00004b3e-d1c9";
  expect([laterBookmark(stood, later), laterBookmark(later, stood)]).toEqual([later, later]);
  expect([laterBookmark(null, stood), laterBookmark(stood, null), laterBookmark(null, null)]).toEqual([
    stood,
    stood,
    null,
  ]);
});

async function ringOf(tenant: string): Promise<TenantKeyRing> {
  const keks = await keksOfText("1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
  return await openKeyRing(keks, tenant, [await createTenantKey(keks, tenant, "tky_1")]);
}
