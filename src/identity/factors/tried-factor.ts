import type { Change } from "#db/changes.ts";
import type { DirectoryContext } from "#http/account-operation.ts";
import type { Refusal } from "#http/outcome.ts";
import { attempt, uncounted } from "#identity/accounts/attempt.ts";
import { secondFactorFailed } from "#identity/identity-events.ts";

interface Trying {
  readonly userId: string;
  /** At what its failures are counted. */
  readonly identifier: string;
  /** How a wrong code is answered. */
  readonly refusal: (changes: readonly Change[]) => Refusal;
}

/** What the comparison of a code found, counted before it is made; a lock is answered like a wrong code. */
export async function triedFactor<T>(
  { accounts, visitor }: DirectoryContext,
  { userId, identifier, refusal }: Trying,
  compare: () => Promise<T | null>,
): Promise<T | Refusal> {
  const reservation = await accounts.reserveTry({
    purpose: "second-factor",
    identifier,
    address: visitor.address,
  });
  if (reservation.outcome === "unavailable") return uncounted;
  if (reservation.outcome === "refused") return refusal([]);
  const { match, lockedUntil } = await attempt(reservation, async () => {
    const match = await compare();
    return { isMatch: match !== null, match };
  });
  return match ?? refusal(secondFactorFailed(userId, lockedUntil));
}
