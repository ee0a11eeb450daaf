import { expect, test } from "vitest";
import { parsePhcString, phcString } from "#crypto/phc-string.ts";

const salt = "AAECAwQFBgcICQoLDA0ODw";
const tag = "gYJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU";
const sound = `$argon2id$v=19$m=19456,t=2,p=1$${salt}$${tag}`;
const letters = (bytes: number) => new Uint8Array(bytes).toBase64({ omitPadding: true });

test("a hash is read as it is spelled, and spelled as it was read", () => {
  const hash = parsePhcString(sound);
  expect(hash).toMatchObject({ memoryKiB: 19_456, passes: 2, lanes: 1 });
  expect(hash?.salt.toHex()).toBe("000102030405060708090a0b0c0d0e0f");
  expect(hash && phcString(hash)).toBe(sound);
});

test("what is at the bounds is read", () => {
  for (const text of ["m=8,t=1,p=1", "m=65536,t=5,p=4", "m=32,t=1,p=4"].map((parameters) =>
    sound.replace("m=19456,t=2,p=1", parameters),
  ))
    expect(parsePhcString(text), text).not.toBeNull();
  for (const [saltBytes, tagBytes] of [
    [8, 16],
    [48, 64],
  ] as const)
    expect(
      parsePhcString(`$argon2id$v=19$m=8,t=1,p=1$${letters(saltBytes)}$${letters(tagBytes)}`),
    ).not.toBeNull();
});

const tampered: Readonly<Record<string, string>> = {
  nothing: "",
  "another function": sound.replace("argon2id", "argon2i"),
  "another version": sound.replace("v=19", "v=16"),
  "no version": sound.replace("$v=19", ""),
  gigabytes: sound.replace("m=19456", "m=4194304"),
  "a little more memory than there is": sound.replace("m=19456", "m=65537"),
  "less memory than its lanes need": sound.replace("m=19456,t=2,p=1", "m=31,t=2,p=4"),
  "no memory": sound.replace("m=19456", "m=0"),
  minutes: sound.replace("t=2", "t=4294967295"),
  "a pass too many": sound.replace("t=2", "t=6"),
  "no pass": sound.replace("t=2", "t=0"),
  "many lanes": sound.replace("p=1", "p=5"),
  "no lane": sound.replace("p=1", "p=0"),
  "a number in another spelling": sound.replace("t=2", "t=02"),
  "a signed number": sound.replace("t=2", "t=+2"),
  "a fraction": sound.replace("t=2", "t=2.5"),
  "another order": sound.replace("m=19456,t=2", "t=2,m=19456"),
  "a parameter more": sound.replace("p=1", "p=1,keyid=AAAA"),
  "a short salt": sound.replace(salt, letters(7)),
  "a long salt": sound.replace(salt, letters(49)),
  "a short tag": sound.replace(tag, letters(15)),
  "a long tag": sound.replace(tag, letters(65)),
  "an impossible length of base64": sound.replace(salt, `${salt}AAA`),
  "unused bits": sound.replace(salt, `${salt.slice(0, -1)}x`),
  padding: sound.replace(salt, `${salt}==`),
  base64url: sound.replace("/", "_"),
  "no tag": sound.slice(0, -tag.length),
  "something before it": ` ${sound}`,
  "something after it": `${sound}\n`,
  "a field more": `${sound}$AAAA`,
};
for (const [what, text] of Object.entries(tampered)) {
  test(`${what} is no hash`, () => {
    expect(text).not.toBe(sound);
    expect(parsePhcString(text)).toBeNull();
  });
}
