import type { Finding } from "./verify.ts";

/** How findings are printed, and whether nothing is at fault. */
export function told(findings: readonly Finding[]): { said: string; isDone: boolean } {
  return {
    said: findings.map(({ isFault, text }) => `${isFault ? "FAULT" : "     "}  ${text}`).join("\n"),
    isDone: findings.every(({ isFault }) => !isFault),
  };
}
