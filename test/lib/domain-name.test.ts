import { expect, test } from "vitest";
import { isOfDomain, normaliseDomain } from "#lib/domain-name.ts";

/** With "_keyline." before it, it has the 253 characters that a name can have. */
const longest = `${"a".repeat(60)}.${"b".repeat(60)}.${"c".repeat(60)}.${"d".repeat(53)}.example`;

test("a domain has one spelling", () => {
  const spellings: readonly [string, string][] = [
    ["harbour.example", "harbour.example"],
    ["Harbour.EXAMPLE", "harbour.example"],
    ["harbour.example.", "harbour.example"],
    ["bücher.example", "xn--bcher-kva.example"],
    ["BÜCHER.example", "xn--bcher-kva.example"],
    ["xn--bcher-kva.example", "xn--bcher-kva.example"],
    ["ｈａｒｂｏｕｒ．example", "harbour.example"],
    ["harbour。example", "harbour.example"],
    ["a.b.co.example", "a.b.co.example"],
    ["9.example", "9.example"],
    [longest, longest],
  ];
  for (const [text, domain] of spellings) expect([text, normaliseDomain(text)]).toEqual([text, domain]);
});

test("what is no public domain name is refused", () => {
  const refused = [
    "",
    ".",
    "com",
    "localhost",
    "harbour",
    "printer.local",
    "db.internal",
    "router.lan",
    "127.0.0.1",
    "127.1",
    "0x7f.1",
    "2130706433",
    "[::1]",
    "::1",
    "*.example.com",
    "_dmarc.example.com",
    "-a.example",
    "a-.example",
    "a..example",
    ".harbour.example",
    "harbour.example..",
    "harbour example",
    "harbour.example/x",
    "harbour.example\\x",
    "harbour.example?x",
    "harbour.example#x",
    "harbour.example:443",
    "ada@harbour.example",
    "https://harbour.example",
    "harbour%2eexample",
    "harbour.example\n",
    "harbour.123",
    `${"a".repeat(64)}.example`,
    `a${longest}`,
  ];
  for (const text of refused) expect([text, normaliseDomain(text)]).toEqual([text, null]);
});

test("what lies below a domain is of it, and what only ends like it is not", () => {
  for (const name of ["keyline.example", "api.keyline.example", "a.b.keyline.example"])
    expect(isOfDomain(name, "keyline.example"), name).toBe(true);
  for (const name of ["akeyline.example", "example", "keyline.example.com"])
    expect(isOfDomain(name, "keyline.example"), name).toBe(false);
});
