import fc from "fast-check";
import { expect, test } from "vitest";
import { contentDisposition } from "#lib/content-disposition.ts";

const names: readonly [name: string, expected: string][] = [
  ["proof.pdf", 'filename="proof.pdf"'],
  ["a b;c,d=e.pdf", 'filename="a b;c,d=e.pdf"'],
  ["naïve.pdf", `filename="na_ve.pdf"; filename*=UTF-8''na%C3%AFve.pdf`],
  ["€ rates.pdf", `filename="_ rates.pdf"; filename*=UTF-8''%E2%82%AC%20rates.pdf`],
  ["🎨.ai", `filename="_.ai"; filename*=UTF-8''%F0%9F%8E%A8.ai`],
  ['quo"te.pdf', `filename="quo_te.pdf"; filename*=UTF-8''quo%22te.pdf`],
  ["back\\slash", `filename="back_slash"; filename*=UTF-8''back%5Cslash`],
  ["../../etc/passwd", `filename=".._.._etc_passwd"; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd`],
  ["100%41.pdf", `filename="100_41.pdf"; filename*=UTF-8''100%2541.pdf`],
  ["a\r\nSet-Cookie: x=1", `filename="a__Set-Cookie: x=1"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x%3D1`],
  ["nul\0", `filename="nul_"; filename*=UTF-8''nul%00`],
  ["it's (1)*.txt", `filename="it's (1)*.txt"`],
  ["é'()*", `filename="_'()*"; filename*=UTF-8''%C3%A9%27%28%29%2A`],
  ["\ud800", `filename="_"; filename*=UTF-8''%EF%BF%BD`],
];

for (const [name, expected] of names) {
  test(`the name ${JSON.stringify(name)} stays within its quotes`, () => {
    expect(contentDisposition("attachment", name)).toBe(`attachment; ${expected}`);
    expect(contentDisposition("inline", name)).toBe(`inline; ${expected}`);
    // What no header may hold would throw here.
    expect(new Headers({ "Content-Disposition": contentDisposition("attachment", name) })).toBeTruthy();
  });
}

test("whatever the name, a reader by RFC 8187 gets it back, and one by RFC 2616 a harmless one", () => {
  const text = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }), fc.string());
  fc.assert(
    fc.property(text, (name) => {
      const field = contentDisposition("attachment", name);
      const [, plain = "", extended] =
        /^attachment; filename="([ !#$&-.0-[\]-~]*)"(?:; filename\*=UTF-8''((?:[A-Za-z0-9!#$&+.^_`|~-]|%[0-9A-F]{2})*))?$/.exec(
          field,
        ) ?? expect.fail(`not of the grammar: ${field}`);
      // UTF-8 has no half of a surrogate pair.
      expect(extended === undefined ? plain : decodeURIComponent(extended)).toBe(name.toWellFormed());
      expect(new Headers({ "Content-Disposition": field }).get("Content-Disposition")).toBe(field);
    }),
  );
});
