import { type Token, tokenize } from "./sql-tokens.ts";
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

const positionsByText = new Map<string, readonly number[]>();

/**
 * The fourth wall: every reference to a tenant's table must carry `tenant_id = ?` of its own, and every such value must
 * be this tenant's, compared on each execution. It knows the small SQL that the handle writes and refuses all other.
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

// Each could join, combine or rename rows in a way that the look at one reference's own condition does not see.
const unknownWords = [
  ...["union", "except", "intersect", "with", "having", "between", "right", "full", "natural", "using"],
  ...["conflict", "create", "drop", "alter", "attach", "detach", "pragma", "vacuum", "reindex"],
];

function tenantPositions(text: string): number[] {
  const refuse = (reason: string): never => {
    throw new FirewallError(reason, text);
  };
  const tokens = tokenize(text) ?? refuse("it is not of the handle's SQL");
  if (!["select", "insert", "update", "delete"].includes(tokens[0]?.text ?? ""))
    refuse("it begins otherwise");
  const unknown = tokens.find((token) => unknownWords.includes(token.text));
  if (unknown) refuse(`the handle never writes ${unknown.text}`);
  if (setsTenant(tokens)) refuse("it would move rows to another tenant");
  // Its words are tokens of all tenants; only search_rows, which has a tenant of its own, says whose they are.
  if (refersTo(tokens, '"search_index"') && !refersTo(tokens, '"search_rows"'))
    refuse("search_index is used alone");
  const positions: number[] = [];
  tokens.forEach((token, at) => {
    const fault = faultAt(tokens, at);
    if (fault) refuse(fault);
    if (!isTableReference(tokens, at) || token.text === "json_each") return;
    const name = token.text.slice(1, -1);
    const isOurs = isTenantTable(name) || isTechnicalTable(name);
    if (!isOurs && tenantlessTables.includes(name)) return;
    if (!isOurs) refuse(`unknown table ${token.text}`);
    positions.push(tenantPosition(tokens, at) ?? refuse(`${name} is used without its own tenant_id = ?`));
  });
  return positions;
}

const tableKeywords = ["from", "join", "into", "update"];

function isTableReference(tokens: readonly Token[], at: number): boolean {
  return tableKeywords.includes(tokens[at - 1]?.text ?? "");
}

function refersTo(tokens: readonly Token[], table: string): boolean {
  return tokens.some((token, at) => token.text === table && isTableReference(tokens, at));
}

// What may follow a table's name: anything else would be an alias, a comma or a schema.
const afterTable = [
  undefined,
  "(",
  ")",
  "where",
  "on",
  "join",
  "left",
  "cross",
  "order",
  "limit",
  "set",
  "group",
];

function faultAt(tokens: readonly Token[], at: number): string | null {
  const [before, token, next] = [tokens[at - 1], tokens[at], tokens[at + 1]];
  if (before?.text === "in" && token?.text !== "(") return "a list is in parentheses";
  if (
    before?.text === "replace" &&
    token?.text === "into" &&
    !tenantlessTables.includes(next?.text.slice(1, -1) ?? "")
  )
    return "a tenant's row is never replaced";
  if (!isTableReference(tokens, at)) return null;
  const last = token?.text === "json_each" ? closeOf(tokens, at + 1) : at;
  if (token?.text !== "json_each" && !token?.text.startsWith('"')) return "a table is named in double quotes";
  const following = tokens[last + 1]?.text;
  const end = following === "indexed" ? tokens[last + 4]?.text : following;
  return afterTable.includes(end) ? null : "tables have no other name and are joined by name";
}

function closeOf(tokens: readonly Token[], open: number): number {
  return tokens.findIndex(
    (token, index) => index > open && token.text === ")" && token.depth === tokens[open]?.depth,
  );
}

function setsTenant(tokens: readonly Token[]): boolean {
  const from = tokens.findIndex((token) => token.text === "set");
  const until = tokens.findIndex(
    (token, index) => index > from && token.text === "where" && token.depth === 0,
  );
  const sets = tokens.slice(from, until === -1 ? undefined : until);
  const isTarget = (at: number) => sets[at + 1]?.text === "=" || sets[at]?.depth !== 0;
  return (
    from !== -1 &&
    sets.some((token, at) => token.text === '"tenant_id"' && sets[at - 1]?.text !== "." && isTarget(at))
  );
}

// A table is held by the ON of its own join, or by the WHERE of the query, update or deletion that begins with it.
function tenantPosition(tokens: readonly Token[], at: number): number | null {
  const keyword = tokens[at - 1]?.text;
  if (keyword === "into") return insertedTenant(tokens, at);
  return comparedTenant(tokens, at, keyword === "join" ? "on" : "where");
}

// insert into "t" ("tenant_id", …) values (?, …)   or   … select ?, …
function insertedTenant(tokens: readonly Token[], at: number): number | null {
  if (tokens[at + 1]?.text !== "(" || tokens[at + 2]?.text !== '"tenant_id"') return null;
  const close = closeOf(tokens, at + 1);
  if (tokens.slice(at + 3, close).some((token) => token.text === '"tenant_id"')) return null;
  const isValues = tokens[close + 1]?.text === "values";
  if (!isValues && tokens[close + 1]?.text !== "select") return null;
  const first = close + (isValues ? 3 : 2);
  if (isValues && closeOf(tokens, close + 2) !== tokens.length - 1) return null;
  return tokens[first]?.text === "?" && tokens[first + 1]?.text === ","
    ? (tokens[first]?.param ?? null)
    : null;
}

const clauseEnds = ["group", "order", "limit", "returning", "left", "cross", "join", "where", "on"];

function comparedTenant(tokens: readonly Token[], at: number, keyword: "on" | "where"): number | null {
  const depth = tokens[at]?.depth ?? 0;
  for (let start = at + 1; start < tokens.length; start += 1) {
    const token = tokens[start];
    if (!token || token.depth < depth) return null;
    if (token.depth > depth) continue;
    if (keyword === "on" && (token.text === "where" || token.text === "join")) return null;
    if (token.text !== keyword) continue;
    const end = tokens.findIndex((later, index) => index > start && endsClause(later, depth));
    return conjunct(tokens.slice(start + 1, end === -1 ? undefined : end), tokens[at]?.text ?? "");
  }
  return null;
}

function endsClause(token: Token, depth: number): boolean {
  return token.depth < depth || (token.depth === depth && clauseEnds.includes(token.text));
}

// "t"."tenant_id" = ? as one of the clause's own conjuncts, never below an OR, a NOT or a CASE.
function conjunct(tokens: readonly Token[], table: string): number | null {
  const depth = tokens[0]?.depth ?? 0;
  if (tokens.some((token) => token.depth === depth && ["or", "case"].includes(token.text))) return null;
  for (let at = 0; at < tokens.length; at += 1) {
    const [name, dot, column, equals, value, after] = tokens.slice(at, at + 6);
    const isWhole =
      (at === 0 || tokens[at - 1]?.text === "and") && (after === undefined || after.text === "and");
    const isPredicate =
      name?.text === table && dot?.text === "." && column?.text === '"tenant_id"' && equals?.text === "=";
    if (name?.depth === depth && isWhole && isPredicate && value?.text === "?") return value.param;
  }
  return null;
}
