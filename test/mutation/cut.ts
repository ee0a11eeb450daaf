import type { Node } from "oxc-parser";
import { lineAt } from "#test/lint/source.ts";
import { codeOf, locate, type Target, TargetMissing, theOnly } from "./tree.ts";

/** What a mutant takes out of one file; found anew each time, so that other edits do not matter. */
export interface Cut {
  readonly path: string;
  /** @throws TargetMissing */
  readonly find: (text: string) => Edit;
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly by: string;
}

export interface Made {
  readonly line: number;
  readonly removed: string;
  readonly text: string;
}

/** The file's text with the cut made. @throws TargetMissing */
export function make(cut: Cut, text: string): Made {
  const { start, end, by } = cut.find(text);
  return {
    line: lineAt(text, start),
    removed: codeOf(text, { start, end }),
    text: text.slice(0, start) + by + text.slice(end),
  };
}

/** The node is replaced by other code. */
export function replaced(path: string, place: string, kind: Node["type"], mention: string, by: string): Cut {
  return cutAt({ path, place, kind, mention }, ({ start, end }) => ({ start, end, by }));
}

/** The `if` that does or asks this is never taken. */
export function never(path: string, place: string, mention: string): Cut {
  return cutAt({ path, place, kind: "IfStatement", mention }, (node) => ({
    ...(node.type === "IfStatement" ? spanOf(node.test) : missing(mention)),
    by: "false",
  }));
}

/** One operand of `&&` or `||` no longer decides anything. */
export function operand(path: string, place: string, mention: string): Cut {
  return cutAt({ path, place, kind: "LogicalExpression", mention }, (node, text) => {
    if (node.type !== "LogicalExpression" || node.operator === "??") return missing(mention);
    const sides = [node.left, node.right].filter((side) => codeOf(text, side).includes(mention));
    return { ...spanOf(theOnly(sides, `operand with ${mention}`)), by: String(node.operator === "&&") };
  });
}

/** An element is left out of its list. */
export function element(path: string, place: string, mention: string): Cut {
  return cutAt({ path, place, kind: "ArrayExpression", mention }, (node, text) => {
    if (node.type !== "ArrayExpression") return missing(mention);
    const found = node.elements.filter((each) => each !== null && codeOf(text, each).includes(mention));
    return { ...spanOf(theOnly(found, `element with ${mention}`) ?? missing(mention)), by: "...[]" };
  });
}

/** The function does nothing but this. */
export function body(path: string, name: string, code: string): Cut {
  const kind = name.startsWith("#") ? "FunctionExpression" : "FunctionDeclaration";
  return cutAt({ path, place: name, kind, mention: "" }, (node) => {
    if (node.type !== "FunctionDeclaration" && node.type !== "FunctionExpression") return missing(name);
    return { ...spanOf(node.body ?? missing(name)), by: `{ ${code} }` };
  });
}

/** Of an SQL template, the one condition of `a and b` with this in it always holds. */
export function conjunct(path: string, place: string, mention: string): Cut {
  return cutAt({ path, place, kind: "TemplateLiteral", mention }, (node, text) => {
    if (node.type !== "TemplateLiteral") return missing(mention);
    const at = text.indexOf(mention, node.start);
    // What stands between `${` and `}` is no SQL.
    const found = (boundary: RegExp) =>
      node.quasis.flatMap((quasi) =>
        [...quasi.value.raw.matchAll(boundary)].map((match) => ({
          start: quasi.start + 1 + match.index,
          end: quasi.start + 1 + match.index + match[0].length,
        })),
      );
    const starts = found(/\b(?:and|where|on)\s|\(/g).map(({ end }) => end);
    const ends = found(/\s(?:and|or|order|limit|left|join|returning)\b|\)/g).map(({ start }) => start);
    return {
      start: Math.max(node.start + 1, ...starts.filter((start) => start <= at)),
      end: Math.min(node.end - 1, ...ends.filter((end) => end > at)),
      by: "1",
    };
  });
}

/** A trigger of a migration lets everything through, and stands there as before. */
export function disarmed(path: string, trigger: string): Cut {
  return {
    path,
    find(text) {
      const found = [...text.matchAll(/create trigger (\w+)[^;]*?begin\s+(select raise\([^;]*)/g)];
      const match = theOnly(
        found.filter(([, name]) => name === trigger),
        `trigger ${trigger} that raises in ${path}`,
      );
      const end = match.index + match[0].length;
      return { start: end - (match[2] ?? missing(trigger)).length, end, by: "select 1" };
    },
  };
}

function cutAt(target: Target, edit: (node: Node, text: string) => Edit): Cut {
  return { path: target.path, find: (text) => edit(locate(text, target), text) };
}

function spanOf({ start, end }: { start: number; end: number }): { start: number; end: number } {
  return { start, end };
}

function missing(mention: string): never {
  throw new TargetMissing(`\`${mention}\` no longer stands where it could be removed`);
}
