import fc from "fast-check";
import { expect, test } from "vitest";
import { nameWords, normaliseEmail, normalisePhone, prefixes } from "#lib/normalise.ts";

test.each([
  ["ada@example.com", "ada@example.com"],
  ["  Ada.Lovelace+Tag@Example.COM\n", "ada.lovelace+tag@example.com"],
  ["ＡＤＡ＠example.com", "ada@example.com"],
  ["\u00a0ada@example.com\u3000", "ada@example.com"],
  ["o'brien@sub.example.co.uk", "o'brien@sub.example.co.uk"],
  ["re\u0301ne\u0301@example.com", "r\u00e9n\u00e9@example.com"],
  ["user@bücher.example", "user@bücher.example"],
])("the e-mail %j is looked up as %j", (text, expected) => {
  expect(normaliseEmail(text)).toBe(expected);
});

test.each([
  "",
  "ada",
  "@example.com",
  "ada@",
  "ada@localhost",
  "ada@example.",
  "ada@.com",
  "ada@exa..mple.com",
  "ada@b@example.com",
  "ada lovelace@example.com",
  "ada@exam ple.com",
  "a\u200bda@example.com",
  "ada\u0000@example.com",
  "ada@example.com\u0007",
  `${"a".repeat(65)}@example.com`,
  `ada@${"a".repeat(250)}.com`,
])("%j is no e-mail address", (text) => {
  expect(normaliseEmail(text)).toBeNull();
});

test.each([
  ["+442079460958", "+442079460958"],
  ["+44 20 7946 0958", "+442079460958"],
  ["+44 (0)20 7946 0958", "+442079460958"],
  ["+44 (20) 7946-0958", "+442079460958"],
  ["0044.20.7946.0958", "+442079460958"],
  ["00 44 20 7946 0958", "+442079460958"],
  ["\u202a+1\u00a0(415)\u2011555\u20130199\u202c", "+14155550199"],
  ["＋１ ４１５ ５５５ ０１９９", "+14155550199"],
  ["+39 06 698 1234", "+39066981234"],
  ["+12345678", "+12345678"],
  ["+123456789012345", "+123456789012345"],
])("the phone number %j is looked up as %j", (text, expected) => {
  expect(normalisePhone(text)).toBe(expected);
});

test.each([
  "",
  "+",
  "020 7946 0958",
  "4155550199",
  "+1234567",
  "+1234567890123456",
  "+0442079460958",
  "000442079460958",
  "++442079460958",
  "+44 20 7946 0958 ext 3",
  "+44 20 794x 0958",
  "tel:+442079460958",
  "+٤٤٢٠٧٩٤٦٠٩٥٨",
])("%j is no phone number with a country code", (text) => {
  expect(normalisePhone(text)).toBeNull();
});

test.each([
  ["Ada Lovelace", ["ada", "lovelace"]],
  ["José O’Neill-Núñez", ["jose", "o", "neill", "nunez"]],
  ["ÅNGSTRÖM  &  Sons, Ltd.", ["angstrom", "sons", "ltd"]],
  ["Jose\u0301 José", ["jose"]],
  ["İpek", ["ipek"]],
  ["ﬁne ２４／７", ["fine", "24", "7"]],
  ["田中 太郎", ["田中", "太郎"]],
  ["김민준", ["김민준"]],
  ["--- !!!", []],
  ["", []],
])("the name %j has the words %j", (text, expected) => {
  expect(nameWords(text)).toEqual(expected);
});

test("a name has at most 16 words", () => {
  const text = Array.from({ length: 40 }, (_, index) => `w${index}`).join(" ");
  expect(nameWords(text)).toEqual(Array.from({ length: 16 }, (_, index) => `w${index}`));
});

test("a word has its prefixes of 2 to 12 characters and itself", () => {
  expect(prefixes("smith")).toEqual(["sm", "smi", "smit", "smith"]);
  expect(prefixes("o")).toEqual(["o"]);
  expect(prefixes("ab")).toEqual(["ab"]);
  expect(prefixes("𠮷野家")).toEqual(["𠮷野", "𠮷野家"]);
  const long = "abcdefghijklmnop";
  expect(prefixes(long)).toHaveLength(12);
  expect(prefixes(long).slice(-2)).toEqual(["abcdefghijkl", long]);
});

test("normalising twice is normalising once", () => {
  const texts = fc.string({ unit: "binary", maxLength: 60 });
  const addresses = fc.tuple(texts, texts).map(([local, domain]) => `${local}@${domain}.com`);
  fc.assert(
    fc.property(fc.oneof(texts, addresses, fc.emailAddress()), (text) => {
      const email = normaliseEmail(text);
      if (email !== null) expect(normaliseEmail(email)).toBe(email);
      const words = nameWords(text);
      expect(nameWords(words.join(" "))).toEqual(words);
    }),
    { numRuns: 500 },
  );
});

test("composed and decomposed, upper and lower case, give the same words and address", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."aàÅñÖçšž한 -'") }), (text) => {
      expect(nameWords(text.normalize("NFD"))).toEqual(nameWords(text));
      expect(nameWords(text.toUpperCase())).toEqual(nameWords(text));
      const address = `x${text}@example.com`;
      expect(normaliseEmail(address.normalize("NFD"))).toBe(normaliseEmail(address));
      expect(normaliseEmail(address.toUpperCase())).toBe(normaliseEmail(address));
    }),
  );
});

test("every phone number that is found is E.164 and keeps its digits", () => {
  const separators = fc.constantFrom("", " ", "-", ".", "\u00a0", "\u2013");
  const digits = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), separators), {
    minLength: 8,
    maxLength: 15,
  });
  fc.assert(
    fc.property(digits, fc.constantFrom("+", "00", " +", "0 0"), (list, start) => {
      const text = start + list.map(([digit, separator]) => digit + separator).join("");
      expect(normalisePhone(text)).toBe(`+${list.map(([digit]) => digit).join("")}`);
    }),
  );
});
