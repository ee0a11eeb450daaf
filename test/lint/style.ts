import type { Rule } from "./source.ts";

const MAX_LINES = 300;

/** DESIGN section 10 as far as a machine can tell; `any` and `!` are Biome's. */
export const style: Rule = ({ path, text, comments }, report) => {
  // A declaration says what somebody else's module exports.
  const mayDefault = ["src/index.ts", "test/worker.ts"].includes(path) || /\.(config|d)\.ts$/.test(path);
  const byName = (start: number) => {
    if (!mayDefault)
      report(start, "default export: export it by its name, so that it is called the same everywhere");
  };
  return {
    Program() {
      const lines = text.trimEnd().split("\n").length;
      const isWritten = path !== "src/client/operations.ts";
      if (path.startsWith("src/") && isWritten && lines > MAX_LINES)
        report(0, `${lines} lines: a file over ${MAX_LINES} is two ideas, split it`);
      const name = path
        .split("/")
        .find((part) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|check|config|d))?(\.tsx?)?$/.test(part));
      if (name !== undefined) report(0, `"${name}" is not kebab-case: rename it`);
      for (const comment of comments) {
        const note = /\b(TODO|FIXME|XXX)\b/.exec(comment.value)?.[1];
        if (note !== undefined)
          report(comment.start, `${note}: do it now, or file an issue and delete the comment`);
      }
    },
    ExportDefaultDeclaration: (node) => byName(node.start),
    ExportSpecifier(node) {
      if (node.exported.type !== "Literal" && node.exported.name === "default") byName(node.start);
    },
  };
};
