import { type CallExpression, type Node, parseSync, visitorKeys } from "oxc-parser";

/** What a mutant removes is gone from the code, or no longer the only one of its kind. */
export class TargetMissing extends Error {}

/** What is looked for: a node of this kind whose code contains `mention`, inside the function, class or constant `place`. */
export interface Target {
  readonly path: string;
  readonly place: string;
  readonly kind: Node["type"];
  readonly mention: string;
}

/** The one innermost such node. @throws TargetMissing */
export function locate(text: string, { path, place, kind, mention }: Target): Node {
  const nodes = nodesOf(path, text);
  const holder = theOnly(
    nodes.filter((node) => nameOf(node) === place),
    `${place} in ${path}`,
  );
  const found = nodes.filter(
    (node) => node.type === kind && contains(holder, node) && codeOf(text, node).includes(mention),
  );
  const innermost = found.filter((node) => !found.some((other) => other !== node && contains(node, other)));
  return theOnly(innermost, `${kind} with \`${mention}\` in ${place} of ${path}`);
}

/** The calls of these functions, in the order of the text. */
export function callsOf(path: string, text: string, names: readonly string[]): CallExpression[] {
  return nodesOf(path, text).flatMap((node) =>
    node.type === "CallExpression" && node.callee.type === "Identifier" && names.includes(node.callee.name)
      ? [node]
      : [],
  );
}

export function theOnly<T>(found: readonly T[], sought: string): T {
  const [first] = found;
  if (first === undefined) throw new TargetMissing(`there is no ${sought}`);
  if (found.length > 1) throw new TargetMissing(`there are ${found.length} of ${sought}`);
  return first;
}

/** Spaces and line ends are the formatter's, not the code's. */
export function codeOf(text: string, { start, end }: { start: number; end: number }): string {
  return text.slice(start, end).replaceAll(/\s+/g, " ");
}

function contains(outer: Node, inner: Node): boolean {
  return outer.start <= inner.start && inner.end <= outer.end;
}

function nodesOf(path: string, text: string): Node[] {
  const { program, errors } = parseSync(path, text);
  if (errors[0]) throw new Error(`${path} does not parse: ${errors[0].message}`);
  return withDescendants(program);
}

function withDescendants(node: Node): Node[] {
  const children = (visitorKeys[node.type] ?? []).flatMap((key) => childrenAt(node, key));
  return [node, ...children.flatMap(withDescendants)];
}

// visitorKeys names exactly the properties that hold nodes, lists of nodes or null.
function childrenAt(node: Node, key: string): Node[] {
  const value = (node as unknown as Record<string, Node | readonly (Node | null)[] | null | undefined>)[key];
  const all = Array.isArray(value) ? value : [value];
  return all.filter((child) => child !== null && child !== undefined);
}

function nameOf(node: Node): string | null {
  switch (node.type) {
    case "FunctionDeclaration":
    case "ClassDeclaration":
    case "VariableDeclarator":
      return node.id?.type === "Identifier" ? node.id.name : null;
    case "MethodDefinition":
      if (node.key.type === "PrivateIdentifier") return `#${node.key.name}`;
      return node.key.type === "Identifier" ? node.key.name : null;
    default:
      return null;
  }
}
