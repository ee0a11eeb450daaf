import { nameWords, withoutMarks } from "#lib/normalise.ts";
import { normalisePassword } from "#lib/password-text.ts";
import type { BreachAnswer } from "#platform/pwned-passwords.ts";
import { commonPasswords } from "./common-passwords.ts";

/** Whose password it is to be. */
export interface PasswordOwner {
  readonly email: string;
  readonly name: string;
  /** Names and slugs of the tenants that the owner belongs to. */
  readonly tenants: readonly string[];
  /** An owner or admin of some tenant, or a support agent. */
  readonly isPrivileged: boolean;
}

/** What is amiss with a password, as its owner is told. */
export const passwordFaults = {
  "too-short": "has fewer than 12 characters",
  "too-long": "has more than 128 characters",
  "no-mixed-case": "needs an upper-case and a lower-case letter, as you manage others' data",
  "no-number": "needs a number, as you manage others' data",
  "no-symbol": "needs a character that is neither letter nor number, as you manage others' data",
  "contains-email": "contains your e-mail address, or a word of it",
  "contains-name": "contains a part of your name",
  "contains-tenant": "contains a word of your business's name",
  common: "is one of the commonest passwords, or nothing but one with numbers and symbols after it",
  breached: "has been published in a breach of another service",
  unchecked: "cannot be looked up among breached passwords at the moment: try again in a few minutes",
} as const;
export type PasswordFault = keyof typeof passwordFaults;

const fewestCharacters = 12;
const mostCharacters = 128;
/** Shorter words ("ann", "co") stand in too many others to be looked for. */
const shortestWord = 4;

/** Every rule that the password breaks; whether it was breached is asked of others (`afterBreachCheck`). */
export function faultsOf(password: string, owner: PasswordOwner): PasswordFault[] {
  const normal = normalisePassword(password);
  const length = [...normal].length;
  // How much work the rules below are grows faster than a text.
  if (length > mostCharacters) return ["too-long"];
  const spellings = spellingsOf(withoutMarks(normal));
  const contains = (words: readonly string[]) =>
    words.some((word) => word.length >= shortestWord && spellings.some((each) => each.includes(word)));
  const email = withoutMarks(owner.email).trim();
  const rules: readonly (readonly [PasswordFault, boolean])[] = [
    ["too-short", length < fewestCharacters],
    ["no-mixed-case", owner.isPrivileged && !(/\p{Lu}/u.test(normal) && /\p{Ll}/u.test(normal))],
    ["no-number", owner.isPrivileged && !/\p{N}/u.test(normal)],
    ["no-symbol", owner.isPrivileged && !/[^\p{L}\p{N}\p{M}]/u.test(normal)],
    ["contains-email", contains([email, ...nameWords(email)])],
    ["contains-name", contains(nameWords(owner.name))],
    ["contains-tenant", contains(owner.tenants.flatMap(nameWords))],
    ["common", isCommon(spellings)],
  ];
  return rules.flatMap(([fault, isBroken]) => (isBroken ? [fault] : []));
}

/**
 * What follows from the answer about breaches. Nobody shall be kept out because a service is down, but for those who
 * could do the most harm; the others' passwords are looked up again later.
 */
export function afterBreachCheck(
  answer: BreachAnswer,
  { isPrivileged }: Pick<PasswordOwner, "isPrivileged">,
): { readonly fault: PasswordFault | null; readonly mustRecheck: boolean } {
  switch (answer) {
    case "breached":
      return { fault: "breached", mustRecheck: false };
    case "clear":
      return { fault: null, mustRecheck: false };
    case "unavailable":
      return isPrivileged ? { fault: "unchecked", mustRecheck: false } : { fault: null, mustRecheck: true };
  }
}

// What people write for letters; "1", "!" and "|" stand for two of them.
const lookAlikes = {
  0: "o",
  3: "e",
  4: "a",
  5: "s",
  7: "t",
  8: "b",
  9: "g",
  "@": "a",
  $: "s",
  "+": "t",
  "(": "c",
};
const asI = new Map(Object.entries({ ...lookAlikes, 1: "i", "!": "i", "|": "i" }));
const asL = new Map(Object.entries({ ...lookAlikes, 1: "l", "!": "l", "|": "l" }));

/** The text itself, and with letters for what looks like them: all of the same length. */
function spellingsOf(text: string): readonly [string, string, string] {
  const read = (letters: ReadonlyMap<string, string>) =>
    Array.from(text, (character) => letters.get(character) ?? character).join("");
  return [text, read(asI), read(asL)];
}

let listed: ReadonlySet<string> | undefined;

/**
 * Whether it is a common password once the numbers and symbols before its first and after its last letter are taken
 * away, or as many of those after it as need be.
 */
function isCommon(spellings: readonly [string, string, string]): boolean {
  listed ??= new Set(commonPasswords.trim().split(/\s+/));
  const [asTyped] = spellings;
  const first = asTyped.search(/\p{L}/u);
  const afterLast = asTyped.replace(/\P{L}+$/u, "").length;
  for (const start of new Set([0, Math.max(0, first)]))
    for (let end = Math.max(afterLast, start + 1); end <= asTyped.length; end++)
      for (const spelling of spellings) if (listed.has(spelling.slice(start, end))) return true;
  return false;
}
