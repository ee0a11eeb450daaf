import { generateSecret, verifySync } from "otplib";
import { encode } from "uqr";
import { secondMs } from "#lib/time.ts";
import { sixDigitsOf } from "./six-digits.ts";

const stepSeconds = 30;
const digits = 6;
// RFC 4226 section 4, R6: 160 bits, the length of SHA-1's own output.
const secretBytes = 20;
// RFC 6238 section 5.2: one step either way, for the way here and for clocks that are off.
const toleranceSeconds = stepSeconds;

/** RFC 4648 base32 without padding, as authenticator apps take it. */
export function newTotpSecret(): string {
  return generateSecret({ length: secretBytes });
}

/**
 * The step of the code, which comes after `lastStep` and is the caller's to consume: a code is good once (RFC 6238 section
 * 5.2), so the write that keeps the step admits it, guarded by the version of the row that `lastStep` was read from.
 */
export function verifyTotp(
  secret: string,
  typed: string,
  { now, lastStep }: { readonly now: number; readonly lastStep: number | null },
): { step: number } | null {
  const token = sixDigitsOf(typed);
  if (token === null) return null;
  const epoch = Math.floor(now / secondMs);
  // otplib throws where no step of the window comes after the last one, as when a clock stepped back.
  if (lastStep !== null && lastStep >= Math.floor((epoch + toleranceSeconds) / stepSeconds)) return null;
  const result = verifySync({
    secret,
    token,
    epoch,
    epochTolerance: toleranceSeconds,
    ...(lastStep === null ? {} : { afterTimeStep: lastStep }),
  });
  return result.valid && "timeStep" in result ? { step: result.timeStep } : null;
}

/** What an app scans. Written here, as otplib leaves ":" in the issuer, where the account's name would begin. */
export function otpauthUri(secret: string, issuer: string, account: string): string {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(account)}`;
  // Apps read "+" as itself, so spaces are %20 and not URLSearchParams' "+".
  return `otpauth://totp/${label}?secret=${secret}&issuer=${encodeURIComponent(issuer)}&algorithm=SHA1&digits=${digits}&period=${stepSeconds}`;
}

/** Stands in the page itself: the secret goes to no other address, and no script runs. Light on dark scans badly. */
export function qrSvg(text: string): string {
  const { size, data } = encode(text, { ecc: "M", border: 4 });
  const modules = data.flatMap((row, y) =>
    row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" role="img" shape-rendering="crispEdges">`,
    "<title>QR code for an authenticator app</title>",
    `<path fill="#fff" d="M0 0h${size}v${size}H0z"/>`,
    `<path fill="#000" d="${modules.join("")}"/>`,
    "</svg>",
  ].join("");
}
