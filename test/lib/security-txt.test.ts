import { expect, test } from "vitest";
import { contactsOf, securityTxt } from "#lib/security-txt.ts";

const now = Date.parse("2026-11-22T07:00:00Z");

test("contacts are the URIs that RFC 9116 knows, and nothing else", () => {
  expect(contactsOf("mailto:a@b.example, https://b.example/report,tel:+1-201-555-0123")).toEqual([
    "mailto:a@b.example",
    "https://b.example/report",
    "tel:+1-201-555-0123",
  ]);
  for (const refused of [
    undefined,
    "",
    "a@b.example",
    "http://b.example",
    "javascript:alert(1)",
    "mailto:a b",
  ])
    expect(contactsOf(refused)).toEqual([]);
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
