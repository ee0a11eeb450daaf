import { minuteMs } from "#lib/time.ts";
import { mailVariables, type TextKind } from "./kinds.ts";
import type { Site } from "./letter.ts";

/** How long a code is good; an older one is not sent any more. */
export const codeLivesMs = 5 * minuteMs;

// One text has room for 160 characters, and each more costs as much again.
const mostOfName = 40;

/**
 * What a stored text says. Its last line binds the code to our address, so that a telephone offers it to no other page
 * (https://wicg.github.io/sms-one-time-codes).
 * @throws Error where its variables are not the kind's
 */
export function textOf(kind: TextKind, data: string, { name, origin }: Site): string {
  const { code } = mailVariables[kind].parse(JSON.parse(data));
  return `${code} is your code for ${name.slice(0, mostOfName)}. Never tell it to anybody: we do not ask for it.\n\n@${new URL(origin).hostname} #${code}`;
}
