import { expect, test } from "vitest";
import { sha256Of } from "#lib/content-digest.ts";

const base64 = "RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=";
const hex = "44aff4ab2d7c3250525675a08f0cfa9591168cffe51791c5f5bbc417c15a6c38";

const fields: readonly [field: string, expected: string | null | undefined][] = [
  [`sha-256=:${base64}:`, hex],
  [` sha-256=:${base64}: `, hex],
  [`sha-512=:AAAA:, sha-256=:${base64}:`, hex],
  // RFC 9651 section 3.2: of one key several times the last counts.
  [`sha-256=:${base64.replace("R", "S")}:, sha-256=:${base64}:`, hex],
  ["sha-512=:AAAA:", null],
  ["md5=:AAAA:", null],
  ["", undefined],
  [base64, undefined],
  [`sha-256=${base64}`, undefined],
  [`SHA-256=:${base64}:`, undefined],
  [`sha-256=:${hex}:`, undefined],
  [`sha-256=:${base64.slice(0, -1)}:`, undefined],
  [`sha-256=:${base64.replace("g=", "h=")}:`, undefined],
  ["sha-256=::", undefined],
  [`sha-256=:${base64}:,`, undefined],
];

for (const [field, expected] of fields) {
  test(`Content-Digest: ${field}`, () => {
    expect(sha256Of(field)).toBe(expected);
  });
}
