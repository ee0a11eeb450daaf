import { generateSync } from "otplib";
import { encode } from "uqr";
import { expect, test } from "vitest";
import { newTotpSecret, otpauthUri, qrSvg, verifyTotp } from "#identity/factors/totp.ts";
import { secondMs } from "#lib/time.ts";

/** "12345678901234567890" in ASCII, the secret of both RFCs. */
const rfcSecret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const stepMs = 30 * secondMs;

/** RFC 6238 appendix B, the rows of SHA-1: seconds since 1970, step, and the code of eight digits. */
const rfc6238 = [
  [59, 0x1, "94287082"],
  [1111111109, 0x23523ec, "07081804"],
  [1111111111, 0x23523ed, "14050471"],
  [1234567890, 0x273ef07, "89005924"],
  [2000000000, 0x3f940aa, "69279037"],
  [20000000000, 0x27bc86aa, "65353130"],
] as const;

/** RFC 4226 appendix D: the codes of the counters from 0. */
const rfc4226 = [
  "755224",
  "287082",
  "359152",
  "969429",
  "338314",
  "254676",
  "287922",
  "162583",
  "399871",
  "520489",
];

test("the codes of RFC 6238 are admitted at their times: six digits are the last of its eight (RFC 4226, 5.3)", () => {
  for (const [seconds, step, code] of rfc6238) {
    const at = { now: seconds * secondMs, lastStep: null };
    expect(verifyTotp(rfcSecret, code.slice(2), at), code).toEqual({ step });
    // The dynamic truncation is the same; only the power of ten that it is reduced by differs.
    expect(generateSync({ secret: rfcSecret, epoch: seconds, digits: 8 })).toBe(code);
    expect(verifyTotp(rfcSecret, code, at)).toBeNull();
    expect(verifyTotp(rfcSecret, code.slice(0, 6), at)).toBeNull();
  }
});

test("the codes of RFC 4226 are those of the steps with their numbers", () => {
  for (const [step, code] of rfc4226.entries())
    expect(verifyTotp(rfcSecret, code, { now: step * stepMs, lastStep: null })).toEqual({ step });
});

test("a code is admitted from one step before its own to one after it, and no longer", () => {
  const code = rfc4226[5] ?? "";
  const admitted = (now: number) => verifyTotp(rfcSecret, code, { now, lastStep: null })?.step;
  expect(admitted(4 * stepMs - 1)).toBeUndefined();
  for (const now of [4 * stepMs, 5 * stepMs, 6 * stepMs, 7 * stepMs - 1])
    expect(admitted(now), String(now)).toBe(5);
  expect(admitted(7 * stepMs)).toBeUndefined();
});

test("a step that was consumed, or came before one that was, is admitted no more", () => {
  const now = 5 * stepMs;
  for (const [step, lastStep, isAdmitted] of [
    [5, 4, true],
    [5, 5, false],
    [4, 5, false],
    [4, 4, false],
    [4, 3, true],
    [6, 5, true],
    [6, 6, false],
    // A clock that stepped back.
    [5, 1_000_000, false],
  ] as const) {
    const found = verifyTotp(rfcSecret, rfc4226[step] ?? "", { now, lastStep });
    expect(found, `step ${step} after ${lastStep}`).toEqual(isAdmitted ? { step } : null);
  }
});

test("a code may be typed with spaces, and with nothing else", () => {
  const admitted = (typed: string) => verifyTotp(rfcSecret, typed, { now: 0, lastStep: null }) !== null;
  for (const typed of ["755224", "755 224", " 755224 ", "7 5 5 2 2 4", "755\u00a0224"])
    expect(admitted(typed), typed).toBe(true);
  const malformed = [
    "",
    " ",
    "75522",
    "7552244",
    "755-224",
    "755.224",
    "+755224",
    "-755224",
    "0755224",
    "755224a",
    "0x755224",
    "7552e2",
    "755224\n",
    "755\t224",
    "７５５２２４",
    "٧٥٥٢٢٤",
    `755224${" ".repeat(100_000)}`,
  ];
  for (const typed of malformed) expect(admitted(typed), JSON.stringify(typed.slice(0, 20))).toBe(false);
});

test("every secret is 160 bits of its own in base32", () => {
  const secrets = Array.from({ length: 100 }, newTotpSecret);
  expect(new Set(secrets).size).toBe(100);
  for (const secret of secrets) {
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    const code = generateSync({ secret, epoch: 59 });
    expect(verifyTotp(secret, code, { now: 59 * secondMs, lastStep: 0 })).toEqual({ step: 1 });
  }
});

test("what an app scans parses back to the issuer, the account and the secret, whatever stands in them", () => {
  for (const [issuer, account] of [
    ["Keyline", "ada@example.com"],
    ["Signs: Berlin & Söhne/Co? #1 100%", "ada+shop:1@exämple.com"],
    ["a b", "c d"],
  ] as const) {
    const uri = otpauthUri(rfcSecret, issuer, account);
    const [, label = "", query = ""] = /^otpauth:\/\/totp\/([^?]*)\?(.*)$/.exec(uri) ?? [];
    expect(label.split(":").map(decodeURIComponent)).toEqual([issuer, account]);
    const fields = query.split("&").map((field) => field.split("=").map(decodeURIComponent));
    expect(fields).toEqual([
      ["secret", rfcSecret],
      ["issuer", issuer],
      ["algorithm", "SHA1"],
      ["digits", "6"],
      ["period", "30"],
    ]);
    expect(uri).toMatch(/^[\x21-\x7e]+$/);
    expect(URL.canParse(uri)).toBe(true);
  }
});

test("the QR code is one image of shapes alone, dark on white, with a name and its quiet zone", () => {
  const uri = otpauthUri(rfcSecret, "Signs & Söhne", "ada@example.com");
  const svg = qrSvg(uri);
  expect([...svg.matchAll(/<(\w+)/g)].map(([, name]) => name)).toEqual(["svg", "title", "path", "path"]);
  expect(svg).toMatch(/^<svg [^>]*role="img"[^>]*><title>[\w ]+<\/title><path fill="#fff" d="M0 0h/);
  expect(svg).not.toMatch(/script|style=|href|url\(|on\w+=/i);
  expect(svg).not.toContain(rfcSecret);

  const size = Number(/viewBox="0 0 (\d+) \1"/.exec(svg)?.[1]);
  const dark = new Set([...svg.matchAll(/M(\d+) (\d+)h1v1h-1z/g)].map(([, x, y]) => `${x} ${y}`));
  const isDark = (x: number, y: number) => dark.has(`${x} ${y}`);
  // ISO/IEC 18004: a quiet zone of four modules, a finder of 7 by 7 in three corners and in the fourth none, and the
  // one module that is always dark beside the lower left one.
  for (let at = 0; at < size; at += 1)
    for (const edge of [0, 3, size - 4, size - 1])
      expect([isDark(at, edge), isDark(edge, at)]).toEqual([false, false]);
  const finder = ["1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"];
  const corner = (left: number, top: number) =>
    finder.map((row, y) => [...row].map((_, x) => (isDark(left + x, top + y) ? "1" : "0")).join(""));
  const far = size - 4 - 7;
  for (const [left, top] of [
    [4, 4],
    [far, 4],
    [4, far],
  ] as const)
    expect(corner(left, top)).toEqual(finder);
  expect(corner(far, far)).not.toEqual(finder);
  expect(isDark(4 + 8, far - 1)).toBe(true);
  // Row by row, and not the other way round.
  const { data } = encode(uri, { ecc: "M", border: 0 });
  for (const [y, row] of data.entries())
    for (const [x, expected] of row.entries()) expect(isDark(4 + x, 4 + y), `${x} ${y}`).toBe(expected);
});
