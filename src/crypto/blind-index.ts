import { encodeBase32 } from "#lib/base32.ts";
import { nameWords, prefixes } from "#lib/normalise.ts";
import { hmacText } from "./hmac.ts";

const tokenBytes = 16;
// The longest beginning that prefixes() gives, in code points. A longer word is cut, so that one half typed still finds.
const longestPrefix = 12;

/**
 * A look-up without plaintext: equal values of one field of one tenant give equal tokens, and nothing else does. The
 * text is 26 characters of [0-9a-z], which FTS5 takes as one word.
 */
export async function exactToken(indexKey: CryptoKey, field: string, normalised: string): Promise<string> {
  return encodeBase32((await hmacText(indexKey, `index ${field}`, normalised)).subarray(0, tokenBytes));
}

/** What is indexed: every prefix of every word, so that typing half a name finds it. */
export function nameTokens(indexKey: CryptoKey, name: string): Promise<string[]> {
  return tokens(indexKey, nameWords(name).flatMap(prefixes));
}

/** What is asked: each word as typed, at most as long as the longest prefix indexed. */
export function queryTokens(indexKey: CryptoKey, text: string): Promise<string[]> {
  return tokens(
    indexKey,
    nameWords(text).map((word) => [...word].slice(0, longestPrefix).join("")),
  );
}

function tokens(indexKey: CryptoKey, words: string[]): Promise<string[]> {
  return Promise.all([...new Set(words)].map((word) => exactToken(indexKey, "name", word)));
}
