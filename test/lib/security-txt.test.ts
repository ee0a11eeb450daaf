import { expect, test } from "vitest";
import { contactsOf, securityTxt } from "#lib/security-txt.ts";

const origin = "https://api.b.test";
const now = Date.parse("2026-11-22T07:00:00Z");

test("contacts are the URIs that RFC 9116 knows, and nothing else", () => {
  const contacts = "mailto:a@b.test, https://b.test/report,tel:+1-201-555-0123";
  expect(contactsOf(contacts, origin)).toEqual(contacts.split(/, ?/));
  const others = [undefined, "", "a@b.test", "http://b.test", "javascript:alert(1)", "mailto:a b"];
  for (const refused of others) expect(contactsOf(refused, origin)).toEqual([]);
});

test("a contact that nobody can own is none, but on localhost", () => {
  const unowned = [
    "mailto:security@example.com",
    "mailto:security@mail.example.org",
    "https://example.com/report",
    "https://Example.net",
    "mailto:a@shop.example",
  ];
  for (const contact of unowned) {
    expect(contactsOf(contact, origin)).toEqual([]);
    expect(contactsOf(contact, "http://localhost:8787")).toEqual([contact]);
  }
  for (const contact of [
    "mailto:security@example.com.au",
    "https://my-example.com/",
    "mailto:example@b.test",
  ])
    expect(contactsOf(contact, origin)).toEqual([contact]);
});

test("it expires within a year, at a midnight, and later with each day", () => {
  const expiresAt = (at: number) =>
    /^Expires: (.+)$/m.exec(securityTxt(["mailto:a@b.example"], "https://b.example", at))?.[1];
  expect(expiresAt(now)).toBe("2027-02-21T00:00:00.000Z");
  expect(expiresAt(now + 86_400_000)).toBe("2027-02-22T00:00:00.000Z");
});

test("every line is one field, and the order of contacts is kept", () => {
  const text = securityTxt(["tel:+1", "mailto:a@b.example"], "https://b.example", now);
  expect(text.split("\n").map((line) => line.split(": ")[0])).toEqual([
    "Contact",
    "Contact",
    "Expires",
    "Canonical",
    "Policy",
    "Preferred-Languages",
    "",
  ]);
});
