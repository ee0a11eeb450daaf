import { expect, test } from "vitest";
import { isText, type MailKind, mailKinds } from "#mail/kinds.ts";
import { written } from "#mail/letter.ts";
import { mailTo } from "#mail/outgoing.ts";
import { letterOf } from "#mail/templates.ts";
import { textOf } from "#mail/texts.ts";
import { letters, link, site } from "./letters.ts";

test("whoever signs up with the address of an account is told of that instead", () => {
  const [data] = letters["sign-up"];
  const letter = letterOf("sign-up", JSON.stringify(data), site, { isRegistered: true });
  if (!letter) throw new Error("There is no letter.");
  const { subject, text } = written(letter, site);
  expect(subject).toBe("You have an account at Harbour & Sons already");
  for (const words of [`${link}&in`, `${link}&reset`]) expect(text).toContain(words);
  expect(text).not.toContain(`${link}\n`);
});

test("every kind of mail has been read by somebody who wrote down here what it must say", () => {
  const mails = mailKinds.filter((kind) => !isText(kind));
  expect([...Object.keys(letters), "reset-unknown"].toSorted()).toEqual(mails.toSorted());
});

for (const [kind, [data, subject, words]] of Object.entries(letters)) {
  test(`the mail ${kind} says so as text and as HTML, and names who writes`, () => {
    const letter = letterOf(kind as MailKind, JSON.stringify(data), site);
    if (!letter) throw new Error("It never leaves.");
    const mail = written(letter, site);
    expect(mail.subject).toBe(subject);
    for (const word of [...words, site.name, site.origin]) expect(mail.text).toContain(word);
    const shown = words.map((word) => escaped(word.replace(/^[A-Z][a-z]+: /, "")));
    for (const word of [...shown, escaped(site.name), site.origin]) expect(mail.html).toContain(word);
    // It loads nothing, and nothing that was filled in is markup.
    expect(mail.html).not.toMatch(/<script|<img|<link|<Linux>|src=|url\(/);
    const hrefs = [...mail.html.matchAll(/href="([^"]*)"/g)].map(([, href]) => href);
    expect(hrefs).toEqual(words.filter((word) => word.startsWith("https:")).map(escaped));
    expect(mail.text.split("\n").every((line) => line.length < 400)).toBe(true);
  });
}

test("to whoever has no account nothing is written", () => {
  expect(letterOf("reset-unknown", "{}", site)).toBeNull();
});

test("a mail is filled in with what its kind takes, and with links to pages alone", () => {
  const mail = { kind: "reset-password", to: "ada@mail.example", userId: null } as const;
  const amiss = [
    { link: "javascript:alert(1)", validMinutes: 60 },
    { link: "reset?token=a", validMinutes: 60 },
    { link, validMinutes: 0 },
    { link, validMinutes: 60, name: "Ada, visit evil.example" },
  ];
  for (const data of amiss) expect(() => mailTo({ ...mail, data }, 0), JSON.stringify(data)).toThrow();
  expect(() => letterOf("verify-email", "{}", site)).toThrow();
});

test("an alert that sums up several names those it is told, and none where it is of the business as a whole", () => {
  const [one, other] = ["key_01jd5r0t6vf3h8k2m4n6p8q0rs", "mbr_01jd5r0t6vf3h8k2m4n6p8q0rs"];
  const at = "2026-11-23T00:31:00.000Z";
  const told = { kind: "new-country", business: "harbour", count: 2, from: at, to: at, homeLink: link };
  const textOfAlert = (about: object) => {
    const letter = letterOf("alert", JSON.stringify({ ...told, ...about }), site);
    return letter ? written(letter, site).text : "";
  };
  expect(textOfAlert({ subjectId: one, otherIds: [other] })).toContain(`About: ${one}, ${other}\n`);
  expect(textOfAlert({ subjectId: null, otherIds: [] })).not.toContain("About");
  // As a version before wrote it, which may still be on its way.
  expect(textOfAlert({ subjectId: one })).toContain(`About: ${one}\n`);
});

test("a text says whose code it is, is one text long, and binds the code to our address", () => {
  const text = textOf("sms-code", '{"code":"012345"}', site);
  expect(text).toBe(
    "012345 is your code for Harbour & Sons. Never tell it to anybody: we do not ask for it.\n\n@harbour.example #012345",
  );
  const long = textOf("sms-code", '{"code":"012345"}', { ...site, name: "x".repeat(100) });
  expect(long.length).toBeLessThanOrEqual(160);
  for (const data of ["{}", '{"code":"12345"}', '{"code":"123456","word":"evil.example"}'])
    expect(() => textOf("sms-code", data, site), data).toThrow();
});

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
