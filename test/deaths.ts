import { type TestEnv, testEnv } from "#test/env.ts";
import { envWith, type Tap, tapped } from "#test/world.ts";

export const isIntend = (text: string) => text.startsWith('insert into "intents"');
export const isSettle = (text: string) => text.startsWith('update "intents" set "state"');

/** The Worker dies, once, right before or right after the batch that has this statement was committed. */
export function killing(
  { before, after }: { before?: typeof isIntend; after?: typeof isIntend },
  message = "killed",
): TestEnv {
  let alive = true;
  const tap: Tap = async (texts, run) => {
    const at = before ?? after;
    if (!alive || !at || !texts.some(at)) return await run();
    alive = false;
    if (after) await run();
    throw new Error(message);
  };
  return envWith({ CELL_US1: tapped(testEnv().CELL_US1 as D1Database, tap) });
}
