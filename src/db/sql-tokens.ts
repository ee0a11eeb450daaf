/** One word of a statement that the handle built. */
export interface Token {
  /** Keywords in lower case; quoted names and strings as they are. */
  readonly text: string;
  /** How many parentheses are open around it; a closing one stands outside of its own. */
  readonly depth: number;
  /** The index of the bound value, for `?`. */
  readonly param: number;
}

const lexeme =
  /\s+|("(?:[^"]|"")*"|'(?:[^']|'')*'|[a-z_][a-z0-9_]*|\d+(?:\.\d+)?|->>|<>|<=|>=|\|\||[?().,=<>*+/-])|(.)/gis;

/** The words of a text, or null where it holds what the handle never writes: comments, other quotes, several texts. */
export function tokenize(text: string): Token[] | null {
  const tokens: Token[] = [];
  let depth = 0;
  let params = 0;
  for (const [, word, stray] of text.matchAll(lexeme)) {
    if (stray !== undefined) return null;
    if (word === undefined) continue;
    if (word === ")") depth -= 1;
    const isQuoted = word.startsWith('"') || word.startsWith("'");
    tokens.push({ text: isQuoted ? word : word.toLowerCase(), depth, param: word === "?" ? params++ : -1 });
    if (word === "(") depth += 1;
  }
  return depth === 0 && !tokens.some((token, at) => isBroken(token, tokens[at + 1])) ? tokens : null;
}

// `--` and `/*` begin comments; `?2` binds another value than its place says.
function isBroken(token: Token, next: Token | undefined): boolean {
  const pair = token.text + (next?.text ?? "");
  return pair === "--" || pair === "/*" || /^\?\d/.test(pair);
}
