/** Limits of D1 in production, on a statement's text; no syntax trees, so tests in workerd can use it too. */
export interface SqlProblem {
  readonly offset: number;
  readonly message: string;
}

const MAX_ARGUMENTS = 32;
const MAX_PARAMETERS = 100;
const MAX_PATTERN_BYTES = 50;
const variadic = /\b(json_\w+|coalesce|concat|concat_ws|char|format|printf|min|max|iif)\s*\(/gi;

export function limitProblems(sql: string): SqlProblem[] {
  const bare = masked(sql);
  const parameters = bare.split("?").length - 1;
  return [
    ...(parameters > MAX_PARAMETERS
      ? [
          {
            offset: 0,
            message: `${parameters} bound parameters, D1 takes ${MAX_PARAMETERS}: pass the rows as one JSON array through json_each(?)`,
          },
        ]
      : []),
    ...argumentProblems(bare),
    ...patternProblems(sql, bare),
  ];
}

function argumentProblems(bare: string): SqlProblem[] {
  return [...bare.matchAll(variadic)].flatMap((match) => {
    const count = argumentCount(bare, match.index + match[0].length);
    if (count <= MAX_ARGUMENTS) return [];
    return [
      {
        offset: match.index,
        message: `${match[1]} has ${count} arguments, production takes ${MAX_ARGUMENTS}: join several by json_patch, 16 columns each`,
      },
    ];
  });
}

/** Counts from just behind the opening parenthesis. */
function argumentCount(bare: string, start: number): number {
  let depth = 1;
  let commas = 0;
  for (let at = start; at < bare.length && depth > 0; at += 1) {
    if (bare[at] === "(") depth += 1;
    if (bare[at] === ")") depth -= 1;
    if (bare[at] === "," && depth === 1) commas += 1;
  }
  return commas + 1;
}

function patternProblems(sql: string, bare: string): SqlProblem[] {
  return [...bare.matchAll(/\b(like|glob)\s+/gi)].flatMap((match) => {
    const literal = /^'((?:[^']|'')*)'(?!\s*\|\|)/.exec(sql.slice(match.index + match[0].length))?.[1];
    if (literal !== undefined && new TextEncoder().encode(literal).length <= MAX_PATTERN_BYTES) return [];
    return [
      {
        offset: match.index,
        message: `a ${match[1]} pattern that is no literal of ${MAX_PATTERN_BYTES} bytes or less fails in production: use the blind index, or compare a range`,
      },
    ];
  });
}

/** The same text with comments and the insides of quotes blanked, so that offsets stay and only syntax is left. */
export function masked(sql: string): string {
  return sql.replace(/--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"[^"]*"/g, (match) => {
    const isQuoted = match.startsWith("'") || match.startsWith('"');
    return isQuoted ? match[0] + blank(match.slice(1, -1)) + match[0] : blank(match);
  });
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, " ");
}
