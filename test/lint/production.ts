import type { Node } from "oxc-parser";
import { isWorker } from "./ports.ts";
import { dottedName, type Rule } from "./source.ts";

/** What Node or local workerd lets pass and production refuses (RECIPES, Traps). */
export const production: Rule = ({ path }, report) => {
  if (!isWorker(path)) return {};
  const iterations = (name: Node, value: Node | null) => {
    const isTooMany = value?.type === "Literal" && typeof value.value === "number" && value.value > 100_000;
    if (!isTooMany || !/iterations/i.test(nameOf(name))) return;
    report(
      value.start,
      "PBKDF2 above 100,000 iterations is refused in production: stay below, or use Argon2id",
    );
  };
  return {
    MemberExpression(node) {
      const name = dottedName(node) ?? "";
      if (!/^WebAssembly\.(compile|Module$|instantiateStreaming)/.test(name)) return;
      report(
        node.start,
        `${name} is refused in production: import the .wasm file and instantiate that module`,
      );
    },
    CallExpression({ callee }) {
      if (callee.type !== "MemberExpression" || nameOf(callee.property) !== "transaction") return;
      if (/(^|\.)storage$/.test(dottedName(callee.object) ?? "")) return;
      report(
        callee.start,
        ".transaction() throws on D1: return changes from `run`, commit makes them one batch",
      );
    },
    ImportSpecifier({ imported, start }) {
      if (!/^(not)?i?like$/i.test(nameOf(imported))) return;
      report(
        start,
        "LIKE patterns above 50 bytes are refused in production: use the blind index, or compare a range",
      );
    },
    Identifier(node) {
      if (node.name === "Temporal")
        report(node.start, "workerd has no Temporal: use milliseconds and src/lib's functions");
    },
    Property: (node) => iterations(node.key, node.value),
    PropertyDefinition: (node) => iterations(node.key, node.value),
    VariableDeclarator: (node) => iterations(node.id, node.init),
    AssignmentPattern: (node) => iterations(node.left, node.right),
  };
};

function nameOf(node: Node): string {
  return node.type === "Identifier" || node.type === "PrivateIdentifier" ? node.name : "";
}
