/** Words that occur nowhere but where a test put them, as personal data of one tenant. */
export interface Canaries {
  readonly people: readonly { name: string; email: string; phone: string; note: string }[];
  /** Of the first of them. */
  readonly diet: { readonly allergens: readonly string[]; readonly needs: string };
  readonly words: readonly string[];
}

export function newCanaries(): Canaries {
  const people = [word(), word()].map((rare) => ({
    name: `${rare} Ünwin`,
    email: `${rare}@canary.example`,
    phone: `+4420${digits(9)}`,
    note: `Ask for ${word()} at the side door.`,
  }));
  const [allergen, need] = [word(), word()];
  const diet = { allergens: [allergen], needs: `Nothing with ${need} in it.` };
  return { people, diet, words: [...people.flatMap(wordsOf), allergen, need] };
}

/** The rare words of what a person is known by; a phone counts with and without its plus. */
function wordsOf({ name, email, phone, note }: Canaries["people"][number]): string[] {
  return [name.split(" ")[0] ?? "", email, phone.slice(1), note.split(" ")[2] ?? ""];
}

/** Which of the words stand in the text, as they are or encoded as something on its way might encode them. */
export function found(words: readonly string[], text: string): string[] {
  const hay = text.toLowerCase();
  return words.filter((each) =>
    spellings(each).some((spelling) => text.includes(spelling) || hay.includes(spelling)),
  );
}

function spellings(each: string): string[] {
  const bytes = new TextEncoder().encode(each);
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [each.toLowerCase(), encodeURIComponent(each).toLowerCase(), hex, ...base64Cores(each)];
}

// Base64 of a text depends on where in a group of three it begins; what is left whatever stands around it.
function base64Cores(each: string): string[] {
  return ["", "-", "--"].flatMap((before) => {
    const whole = btoa(`${before}${each}---`);
    const core = whole.slice(
      Math.ceil((before.length * 4) / 3),
      Math.floor(((before.length + each.length) * 4) / 3),
    );
    return [core, core.replaceAll("+", "-").replaceAll("/", "_")];
  });
}

function word(): string {
  return `zq${[...crypto.getRandomValues(new Uint8Array(10))].map((byte) => String.fromCharCode(97 + (byte % 26))).join("")}`;
}

function digits(count: number): string {
  return [...crypto.getRandomValues(new Uint8Array(count))].map((byte) => String(byte % 10)).join("");
}
