import type { Reservation } from "#http/account-operation.ts";
import { Refusal } from "#http/outcome.ts";

type Admitted = Extract<Reservation, { outcome: "admitted" }>;

/** What counts tries is away, and nothing may be tried that nobody counts. */
export const uncounted = new Refusal("unavailable", { retryAfterSeconds: 5 }, []);

/**
 * Compares, and settles the reserved try by what came of it. What failed before anything was compared is no try of
 * anybody's: else a busy moment would lock out whoever has the right password.
 */
export async function attempt<T extends { readonly isMatch: boolean }>(
  reservation: Admitted,
  compare: () => Promise<T>,
): Promise<T & { readonly lockedUntil: number | null }> {
  let compared: T;
  try {
    compared = await compare();
  } catch (error) {
    await reservation.settle("released");
    throw error;
  }
  const { lockedUntil } = await reservation.settle(compared.isMatch ? "success" : "failure");
  return { ...compared, lockedUntil };
}
