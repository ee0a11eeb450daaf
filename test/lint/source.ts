import { type Comment, type Node, type Program, parseSync, Visitor, type VisitorObject } from "oxc-parser";

/** What a rule found, and what its reader should do about it. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** A TypeScript file as the rules see it; the path is relative to the repository, with forward slashes. */
export interface Source {
  readonly path: string;
  readonly text: string;
  readonly program: Program;
  readonly comments: readonly Comment[];
}

export type Report = (offset: number, message: string) => void;
export type Rule = (source: Source, report: Report) => VisitorObject;

export function check(path: string, text: string, rules: readonly Rule[]): Finding[] {
  const { program, comments, errors } = parseSync(path, text);
  const findings: Finding[] = [];
  const report: Report = (offset, message) => findings.push({ path, line: lineAt(text, offset), message });

  for (const error of errors) report(error.labels[0]?.start ?? 0, `does not parse: ${error.message}`);
  for (const rule of rules) new Visitor(rule({ path, text, program, comments }, report)).visit(program);
  return findings;
}

export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

/** Every module a file names, however it does: import, re-export, `import()` and `import("…").Type`. */
export function eachSpecifier(found: (specifier: string, at: Node) => void): VisitorObject {
  const take = (source: Node | null) => {
    if (source?.type === "Literal" && typeof source.value === "string") found(source.value, source);
  };
  return {
    ImportDeclaration: (node) => take(node.source),
    ExportNamedDeclaration: (node) => take(node.source),
    ExportAllDeclaration: (node) => take(node.source),
    ImportExpression: (node) => take(node.source),
    TSImportType: (node) => take(node.source),
    TSExternalModuleReference: (node) => take(node.expression),
  };
}

export function importsOf(path: string, text: string): string[] {
  const specifiers: string[] = [];
  check(path, text, [() => eachSpecifier((specifier) => specifiers.push(specifier))]);
  return specifiers;
}

/** `Date.now` for that expression and for `globalThis.Date.now`; null for what is not a plain dotted name. */
export function dottedName(node: Node): string | null {
  if (node.type === "Identifier") return node.name;
  if (node.type !== "MemberExpression" || node.computed || node.property.type !== "Identifier") return null;
  const object = dottedName(node.object);
  if (object === null) return null;
  return object === "globalThis" ? node.property.name : `${object}.${node.property.name}`;
}
