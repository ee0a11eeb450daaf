import type { TemplateLiteral } from "oxc-parser";
import { dottedName, type Rule } from "./source.ts";
import { limitProblems } from "./sql.ts";

/** D1's production limits on SQL in strings; what code puts together at run time is checked on the recorded texts. */
export const sqlStrings: Rule = ({ path }, report) => {
  if (!path.startsWith("src/")) return {};
  const tagged = new Set<TemplateLiteral>();
  const examine = (text: string, start: number) => {
    for (const { message } of limitProblems(text)) report(start, message);
  };
  return {
    TaggedTemplateExpression(node) {
      if (/^sql(\.|$)/.test(dottedName(node.tag) ?? "")) tagged.add(node.quasi);
    },
    TemplateLiteral(node) {
      const text = node.quasis.map((quasi) => quasi.value.cooked ?? quasi.value.raw).join("?");
      if (tagged.has(node) || looksLikeSql(text)) examine(text, node.start);
    },
    Literal(node) {
      if (typeof node.value === "string" && looksLikeSql(node.value)) examine(node.value, node.start);
    },
  };
};

function looksLikeSql(text: string): boolean {
  return /\b(select\s|insert\s+(or\s+\w+\s+)?into\s|update\s+\w+\s+set\s|delete\s+from\s|where\s)/i.test(
    text,
  );
}
