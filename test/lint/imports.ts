import { arrows, homes, mayImport, roomOf, targetOf } from "./rooms.ts";
import { eachSpecifier, type Rule } from "./source.ts";

/** Imports point one way, are spelled one way, and each package has its home. */
export const imports: Rule = (source, report) =>
  eachSpecifier((specifier, node) => {
    const problem = problemOf(source.path, specifier);
    if (problem) report(node.start, problem);
  });

function problemOf(path: string, specifier: string): string | null {
  if (/^\.\.?\//.test(specifier) || specifier.startsWith("#")) {
    return spellingProblem(path, specifier) ?? arrowProblem(path, targetOf(path, specifier));
  }
  return path.startsWith("src/") ? packageProblem(path, specifier) : null;
}

function spellingProblem(path: string, specifier: string): string | null {
  if (specifier.includes("../") && path !== "test/vectors.ts") {
    return `"${specifier}" climbs: write "./…" for what lies beside or below, "#…" (from src) for the rest`;
  }
  if (!/\.(tsx?|json|sql|wasm|css|mjs|html|txt)(\?\w+)?$/.test(specifier)) {
    return `"${specifier}" has no file ending: imports carry .ts, as Node runs them unbundled`;
  }
  return null;
}

function arrowProblem(path: string, target: string): string | null {
  const from = roomOf(path);
  const to = roomOf(target);
  if (from === null || to === null) {
    return `${from === null ? path : target} stands in no room of src: put it in one of DESIGN section 2`;
  }
  // Where the registry is put together.
  if (path === "src/resources/index.ts" && target === "src/identity/operations.ts") return null;
  if (!mayImport(from, to)) {
    return from === "cli"
      ? `cli imports ${to}: it may import anything but the app; call the room that does the work`
      : `${from} imports ${to}, against ${arrows}: move what both need to the left, or take it as a parameter`;
  }
  return from === "resources" && to === "resources" ? sliceProblem(path, target) : null;
}

/** Resources know of each other only what they store and show, so that each stays one folder. */
function sliceProblem(path: string, target: string): string | null {
  const from = sliceOf(path);
  if (from === null || from === sliceOf(target)) return null;
  if (/[/-](tables?|schemas?)\.ts$/.test(target)) return null;
  return `resource "${from}" imports ${target}: of another resource only its table and schema files may be imported; move shared rules to src/lib`;
}

/** `orders` for src/resources/orders/…; null for files beside the folders. */
function sliceOf(path: string): string | null {
  return /^src\/resources\/([^/]+)\//.exec(path)?.[1] ?? null;
}

function packageProblem(path: string, specifier: string): string | null {
  const room = roomOf(path);
  if (room === "cli") return null;
  if (specifier.startsWith("node:")) {
    return `"${specifier}" in ${room}: only src/cli and test run on Node; use the Web API, or move this to src/cli`;
  }
  if (specifier === "drizzle-orm/d1") {
    return `"drizzle-orm/d1" executes by itself: build SQL with drizzle-orm and let src/db run it behind the firewall`;
  }
  const name = packageOf(specifier);
  const home = homes[name];
  if (home === undefined) {
    return room === "platform"
      ? null
      : `"${name}" in ${room}: wrap a vendor's SDK in one file of src/platform; if the package is pure, give it a home in test/lint/rooms.ts`;
  }
  if (room !== null && home.rooms.includes(room) && (home.files?.test(path) ?? true)) return null;
  return `"${name}" may be imported only in ${home.rooms.join(", ")}${home.files ? ", outside rules and schema files" : ""}: move this code there, or take what it gives as a parameter`;
}

function packageOf(specifier: string): string {
  if (specifier.startsWith("cloudflare:")) return specifier;
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}
