import { expect, test } from "vitest";
import { guardUrl, isPublicAddress } from "#lib/url-guard.ts";
import { sound, spellings } from "#test/url-spellings.ts";

const deployed = { allowLocalhost: false };
const withPort = (text: string) => text.replaceAll("{port}", "8080");

for (const [fault, texts] of Object.entries(spellings)) {
  test(`every spelling that is ${fault} is refused as that`, () => {
    const found = texts.map(withPort).map((text) => [text, guardUrl(text, deployed)]);
    expect(found).toEqual(texts.map(withPort).map((text) => [text, { ok: false, fault }]));
  });
}

test("the table of spellings is as long as was agreed and says nothing twice", () => {
  const all = Object.values(spellings).flat();
  expect(new Set(all).size).toBe(all.length);
  expect(all.length).toBeGreaterThanOrEqual(300);
});

test("public names over https are let through, as they were written", () => {
  for (const text of sound) {
    const guarded = guardUrl(text, deployed);
    expect(guarded.ok ? guarded.url.href : guarded.fault, text).toBe(new URL(text).href);
  }
});

test("http to localhost passes in local development alone, and to nothing else there", () => {
  const local = { allowLocalhost: true };
  for (const text of ["http://localhost/", "http://localhost:3000/hooks", "HTTP://LOCALHOST:3000"])
    expect(guardUrl(text, local)).toMatchObject({ ok: true, isLocal: true });
  for (const [fault, texts] of Object.entries(spellings)) {
    const others = texts.map(withPort).filter((text) => !/^http:\/\/localhost[:/]/i.test(text));
    for (const text of others) expect(guardUrl(text, local), text).toEqual({ ok: false, fault });
  }
  expect(guardUrl("https://shop.example/", local)).toMatchObject({ ok: true, isLocal: false });
});

/** The last address before a block, its first and last, and the first after it, where those before and after are public. */
const blocks: readonly [before: string | null, first: string, last: string, after: string | null][] = [
  [null, "0.0.0.0", "0.255.255.255", "1.0.0.0"],
  ["9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"],
  ["100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"],
  ["126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"],
  ["169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"],
  ["172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"],
  ["191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"],
  ["192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"],
  ["192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"],
  ["192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"],
  ["198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"],
  ["198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"],
  ["203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"],
  ["223.255.255.255", "224.0.0.0", "255.255.255.255", null],
  [null, "::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", null],
  [null, "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"],
  [
    "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
    "2001:db8::",
    "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
    "2001:db9::",
  ],
  ["2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::"],
  [
    "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "3fff::",
    "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
    "3fff:1000::",
  ],
  ["3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", null],
];

test("an address is public up to the edge of each special block and from behind it on", () => {
  for (const [before, first, last, after] of blocks) {
    for (const address of [before, after]) if (address) expect(isPublicAddress(address), address).toBe(true);
    for (const address of [first, last]) expect(isPublicAddress(address), address).toBe(false);
  }
});

test("an address in disguise, or none at all, is not public", () => {
  const disguised = [
    "::ffff:8.8.8.8",
    "::8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:808:808::",
    "8.8.8",
    "08.8.8.8",
  ];
  for (const text of [
    ...disguised,
    "",
    " 8.8.8.8",
    "8.8.8.8 ",
    "8.8.8.8/32",
    "shop.example",
    "[2606::1]",
    "2606::1%1",
  ])
    expect(isPublicAddress(text), text).toBe(false);
});
