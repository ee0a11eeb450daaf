import { SealError } from "#crypto/envelope.ts";
import type { Statement } from "./statement.ts";

/** Moved rows, up to which id; null where there are no more. */
export interface Moved {
  readonly statements: readonly Statement[];
  readonly position: string | null;
  readonly unopened: readonly SealError[];
}

/** What does not open is left where it is: its old key cannot be removed then, and the audit says why. */
export async function moveEach<R>(
  rows: readonly R[],
  limit: number,
  idOf: (row: R) => string,
  move: (row: R) => Promise<readonly Statement[]>,
): Promise<Moved> {
  const statements: Statement[] = [];
  const unopened: SealError[] = [];
  for (const row of rows) {
    try {
      statements.push(...(await move(row)));
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      unopened.push(error);
    }
  }
  const last = rows.at(-1);
  return { statements, position: rows.length < limit || last === undefined ? null : idOf(last), unopened };
}
