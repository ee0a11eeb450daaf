import { z } from "zod";

const longestTyped = 32;

/** The code of an authenticator app or of a text, with spaces as they are shown. */
export const SixDigits = z
  .string()
  .max(longestTyped)
  .regex(/^[0-9 \u00a0]+$/, "is six digits")
  .meta({ examples: ["492 039"], format: "password" });

/** As it was typed, without the spaces; null where it cannot be a code. */
export function sixDigitsOf(typed: string): string | null {
  if (typed.length > longestTyped) return null;
  const digits = typed.replaceAll(/[ \u00a0]/g, "");
  return /^[0-9]{6}$/.test(digits) ? digits : null;
}
