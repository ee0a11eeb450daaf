import { expect, test } from "vitest";
import { accountEmail, domainOf, localPartOf } from "#lib/email-address.ts";

test("an account's address is the one that it is looked up by", () => {
  expect(accountEmail("  Ada.Lovelace+Tag@Example.COM\n")).toBe("ada.lovelace+tag@example.com");
  expect(accountEmail("o'brien@sub.example.co.uk")).toBe("o'brien@sub.example.co.uk");
});

test.each([...'<>()[]\\,;:"'])(
  "no account has an address with %j in it, as it means something to mail",
  (sign) => {
    expect(accountEmail(`a${sign}da@example.com`)).toBeNull();
    expect(accountEmail(`ada@exam${sign}ple.com`)).toBeNull();
  },
);

test.each(["＜ada＞@example.com", "ada@localhost", "ada", ""])("%j is nobody's address", (text) => {
  expect(accountEmail(text)).toBeNull();
});

test("an address has a part before the @, and a domain behind it", () => {
  const email = "ada.lovelace@sub.example.com";
  expect([localPartOf(email), domainOf(email)]).toEqual(["ada.lovelace", "sub.example.com"]);
});
