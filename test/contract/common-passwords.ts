import { dictionary } from "@zxcvbn-ts/language-common";

/** How many of the commonest are refused, however long they are. */
const commonest = 3000;
/** From here on a password is let in at all, so all of the source's are wanted. */
const admittedLength = 12;
const lineLength = 106;

/** src/identity/passwords/common-passwords.ts as it has to be. Sorted, it is a seventh smaller when compressed. */
export function commonPasswordsModule(): string {
  const source = dictionary["passwords-common"];
  const long = source.filter((password) => password.length >= admittedLength);
  const passwords = [...new Set([...source.slice(0, commonest), ...long])].toSorted();
  const odd = passwords.filter((password) => !/^[^\s\\`]+$/.test(password) || password.includes("${"));
  if (odd.length > 0) throw new Error(`They need to be escaped in a template: ${odd.join(" ")}`);
  return [
    "// Written by `npm run client` from passwords.json of @zxcvbn-ts/language-common: the 3,000 commonest passwords, and all of",
    "// the other 46,000 that have 12 characters or more. MIT License, Copyright (c) 2012-2016 Dan Wheeler and Dropbox, Inc.,",
    "// Copyright (c) 2021 @zxcvbn-ts.",
    "export const commonPasswords = `",
    ...wrapped(passwords),
    "`;",
  ].join("\n");
}

function wrapped(words: readonly string[]): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of words) {
    if (line.length + word.length + 1 > lineLength) {
      lines.push(line);
      line = "";
    }
    line += line === "" ? word : ` ${word}`;
  }
  return [...lines, line];
}
