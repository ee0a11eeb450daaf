import type { Statement } from "./statement.ts";
import { isTechnicalTable, tenantlessTables } from "./technical-tables.ts";
import { isTenantTable } from "./tenant-table.ts";

/** A statement that could reach another tenant's rows, or one the handle did not build. Always a defect of ours. */
export class FirewallError extends Error {
  constructor(reason: string, text: string) {
    super(`The firewall refused a statement: ${reason}. ${text}`);
    this.name = "FirewallError";
  }
}

interface Token {
  readonly text: string;
  readonly depth: number;
  /** The index of the bound value, for `?`. */
  readonly param: number;
}

const positionsByText = new Map<string, readonly number[]>();

/**
 * The fourth wall: every reference to a tenant's table must carry `tenant_id = ?` of its own, and every such value must
 * be this tenant's, compared on each execution.
 * @throws FirewallError
 */
export function assertOwnTenant(statement: Statement, tenantId: string): void {
  let positions = positionsByText.get(statement.text);
  if (!positions) {
    positions = tenantPositions(statement.text);
    positionsByText.set(statement.text, positions);
  }
  for (const position of positions) {
    if (statement.params[position] !== tenantId) {
      throw new FirewallError(`parameter ${position} is not the tenant`, statement.text);
    }
  }
}

/** Every text that was let through in this isolate; the tests explain each one's query plan. */
export function knownTexts(): readonly string[] {
  return [...positionsByText.keys()];
}

function tenantPositions(text: string): number[] {
  const tokens = tokenize(text);
  const positions: number[] = [];
  tokens.forEach((token, at) => {
    if (!isTableReference(tokens, at)) return;
    const name = token.text.slice(1, -1);
    if (tenantlessTables.includes(name)) return;
    if (!isTenantTable(name) && !isTechnicalTable(name))
      throw new FirewallError(`unknown table ${name}`, text);
    const position =
      tokens[at - 1]?.text === "into" ? insertedTenant(tokens, at) : comparedTenant(tokens, at, token.text);
    if (position === null) throw new FirewallError(`${name} is used without its own tenant_id = ?`, text);
    positions.push(position);
  });
  return positions;
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let depth = 0;
  let params = 0;
  const lexeme =
    /\s+|("(?:[^"]|"")*"|'(?:[^']|'')*'|[a-z_][a-z0-9_]*|\d+(?:\.\d+)?|->>|<>|<=|>=|\|\||[?().,=<>*+/-])|(.)/gis;
  for (const [, word, stray] of text.matchAll(lexeme)) {
    if (stray !== undefined) throw new FirewallError(`unexpected ${stray}`, text);
    if (word === undefined) continue;
    if (word === ")") depth -= 1;
    tokens.push({
      text: word.startsWith('"') || word.startsWith("'") ? word : word.toLowerCase(),
      depth,
      param: word === "?" ? params++ : -1,
    });
    if (word === "(") depth += 1;
  }
  return tokens;
}

const tableKeywords = ["from", "join", "into", "update"];

function isTableReference(tokens: readonly Token[], at: number): boolean {
  const before = tokens[at - 1]?.text ?? "";
  const token = tokens[at];
  if (!token || !tableKeywords.includes(before)) return false;
  // `on conflict do update set` names no table.
  if (before === "update" && token.text === "set") return false;
  if (token.text === "json_each" || token.text === "(") return false;
  if (!token.text.startsWith('"'))
    throw new FirewallError(`${token.text} is not a quoted table`, textOf(tokens));
  if (isAlias(tokens[at + 1])) throw new FirewallError("tables have no aliases here", textOf(tokens));
  if (tokens[at + 1]?.text === ",") throw new FirewallError("tables are joined by name", textOf(tokens));
  return true;
}

function isAlias(next: Token | undefined): boolean {
  return next !== undefined && (next.text === "as" || next.text.startsWith('"'));
}

// insert into "t" ("tenant_id", …) values (?, …)   or   … select ?, …
function insertedTenant(tokens: readonly Token[], at: number): number | null {
  if (tokens[at + 1]?.text !== "(" || tokens[at + 2]?.text !== '"tenant_id"') return null;
  const close = tokens.findIndex(
    (token, index) => index > at + 1 && token.text === ")" && token.depth === tokens[at]?.depth,
  );
  const keyword = tokens[close + 1]?.text;
  const value =
    keyword === "values" ? tokens[close + 3] : keyword === "select" ? tokens[close + 2] : undefined;
  const following = keyword === "values" ? tokens[close + 4] : tokens[close + 3];
  if (keyword === "values" && hasSecondTuple(tokens, close)) return null;
  return value?.text === "?" && following?.text === "," ? value.param : null;
}

function hasSecondTuple(tokens: readonly Token[], close: number): boolean {
  const depth = tokens[close]?.depth ?? 0;
  return tokens.some(
    (token, index) =>
      index > close && token.text === "(" && token.depth === depth && tokens[index - 1]?.text === ",",
  );
}

const compounds = ["union", "except", "intersect"];
const clauseEnds = [
  ...compounds,
  "group",
  "order",
  "limit",
  "returning",
  "left",
  "inner",
  "join",
  "where",
  "on",
];

// The conjunct "t"."tenant_id" = ? in the ON of this join or the WHERE of this query, never below an OR.
function comparedTenant(tokens: readonly Token[], at: number, table: string): number | null {
  const depth = tokens[at]?.depth ?? 0;
  for (let start = at + 1; start < tokens.length; start += 1) {
    const token = tokens[start];
    if (!token || token.depth < depth || (token.depth === depth && compounds.includes(token.text))) break;
    if (token.depth > depth || (token.text !== "on" && token.text !== "where")) continue;
    let end = start + 1;
    while (end < tokens.length && !endsClause(tokens[end], depth)) end += 1;
    const position = conjunct(tokens.slice(start + 1, end), table);
    if (position !== null) return position;
  }
  return null;
}

function endsClause(token: Token | undefined, depth: number): boolean {
  return (
    token === undefined || token.depth < depth || (token.depth === depth && clauseEnds.includes(token.text))
  );
}

function conjunct(tokens: readonly Token[], table: string): number | null {
  const depth = tokens[0]?.depth ?? 0;
  const top = tokens.filter((token) => token.depth === depth);
  if (top.some((token) => token.text === "or" || token.text === "case")) return null;
  for (let at = 0; at < tokens.length; at += 1) {
    const [name, dot, column, equals, value] = tokens.slice(at, at + 5);
    if (name?.depth !== depth || value === undefined) continue;
    const starts = at === 0 || tokens[at - 1]?.text === "and";
    const ends = at + 5 === tokens.length || tokens[at + 5]?.text === "and";
    if (!starts || !ends || name.text !== table || dot?.text !== "." || column?.text !== '"tenant_id"')
      continue;
    if (equals?.text === "=" && value.text === "?") return value.param;
  }
  return null;
}

function textOf(tokens: readonly Token[]): string {
  return tokens.map((token) => token.text).join(" ");
}
