import { type Cut, element, never, operand, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const path = "src/db/firewall.ts";
const words = "src/db/sql-tokens.ts";

function mutant(name: string, cut: Cut): Mutant {
  return { name, cut, caughtBy: ["test/db/firewall.test.ts"] };
}

const unbounded =
  "const position = tenantPosition(tokens, at); if (position !== null) positions.push(position);";

/** The fourth wall, stone by stone: its own tests know the texts that each is there for. */
export const firewall: readonly Mutant[] = [
  mutant(
    "the firewall in front of every batch",
    replaced("src/db/tenant-driver.ts", "execute", "ForOfStatement", "assertOwnTenant", ""),
  ),
  mutant(
    "the comparison of each bound tenant",
    replaced(path, "assertOwnTenant", "IfStatement", "statement.params[position] !== tenantId", ""),
  ),
  mutant(
    "the refusal of a table without its own tenant_id = ?",
    replaced(path, "tenantPositions", "ExpressionStatement", "its own tenant_id", unbounded),
  ),
  mutant("the refusal of an unknown table", never(path, "tenantPositions", "unknown table")),
  mutant("the refusal of other statements", never(path, "tenantPositions", "begins otherwise")),
  mutant(
    "the refusal of unknown words",
    replaced(path, "tenantPositions", "CallExpression", "unknownWords.includes", 'token.text === ""'),
  ),
  mutant("the refusal to set a tenant", never(path, "tenantPositions", "to another tenant")),
  mutant(
    "the refusal of the blind index alone",
    never(path, "tenantPositions", "search_index is used alone"),
  ),
  mutant("the refusal of characters outside the grammar", never(words, "tokenize", "stray")),
  mutant("the refusal of unbalanced parentheses", operand(words, "tokenize", "depth === 0")),
  mutant("the refusal of comments", operand(words, "isBroken", '"--"')),
  mutant("the refusal of numbered parameters", operand(words, "isBroken", "/^")),
  mutant("the refusal of IN without parentheses", never(path, "faultAt", "a list is in parentheses")),
  mutant("the refusal of REPLACE", never(path, "faultAt", "never replaced")),
  mutant("the refusal of a table without quotes", never(path, "faultAt", "in double quotes")),
  mutant(
    "the refusal of aliases and comma joins",
    replaced(path, "faultAt", "CallExpression", "afterTable.includes(end)", "end !== null"),
  ),
  mutant(
    "the refusal of aliases behind INDEXED BY",
    replaced(
      path,
      "faultAt",
      "ConditionalExpression",
      "tokens[last + 4]",
      'following === "indexed" ? ")" : following',
    ),
  ),
  mutant(
    "tenant_id as the first column of an insert",
    operand(path, "insertedTenant", "!== '\"tenant_id\"'"),
  ),
  mutant("the refusal of tenant_id twice in an insert", never(path, "insertedTenant", "at + 3")),
  mutant("the refusal of a second tuple in an insert", operand(path, "insertedTenant", "tokens.length - 1")),
  mutant(
    "the tenant's value standing alone in an insert",
    operand(path, "insertedTenant", 'tokens[first + 1]?.text === ","'),
  ),
  mutant("the end of a join's own condition", never(path, "comparedTenant", 'token.text === "join"')),
  mutant("the clause at the table's own depth", never(path, "comparedTenant", "token.depth > depth")),
  mutant(
    "a joined table's condition being its own ON",
    replaced(path, "tenantPosition", "ConditionalExpression", '"on"', '"where"'),
  ),
  mutant("the refusal of OR beside the tenant", element(path, "conjunct", '"or"')),
  mutant("the refusal of CASE beside the tenant", element(path, "conjunct", '"case"')),
  mutant("the condition at the clause's own depth", operand(path, "conjunct", "name?.depth === depth")),
  mutant(
    "the condition beginning after AND",
    replaced(path, "conjunct", "LogicalExpression", "at === 0", "true"),
  ),
  mutant(
    "the condition ending before AND",
    replaced(path, "conjunct", "LogicalExpression", "after === undefined", "true"),
  ),
  mutant("the compared table being this one", operand(path, "conjunct", "name?.text === table")),
  mutant("the compared column being tenant_id", operand(path, "conjunct", "column?.text")),
  mutant("the comparison being =", operand(path, "conjunct", "equals?.text")),
  mutant(
    "the compared value being bound",
    replaced(path, "conjunct", "BinaryExpression", 'value?.text === "?"', "value"),
  ),
];
