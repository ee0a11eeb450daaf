import { bindingRooms, roomOf } from "./rooms.ts";
import { dottedName, type Rule } from "./source.ts";

/** Only src/platform/clock.ts tells the time, so that tests can hold it still. */
export const clock: Rule = ({ path }, report) => {
  if (!isWorker(path) || path === "src/platform/clock.ts") return {};
  const tell = (start: number, what: string) =>
    report(
      start,
      `${what} reads the clock: take \`now\` as a parameter, or the clock of src/platform as a port`,
    );
  return {
    MemberExpression(node) {
      const name = dottedName(node) ?? "";
      if (/^(Date\.now|performance\.(now|timeOrigin))$/.test(name)) tell(node.start, name);
    },
    NewExpression(node) {
      if (dottedName(node.callee) === "Date" && node.arguments.length === 0) tell(node.start, "new Date()");
    },
    CallExpression(node) {
      if (dottedName(node.callee) === "Date") tell(node.start, "Date()");
    },
  };
};

export const chance: Rule = (_source, report) => ({
  MemberExpression(node) {
    if (dottedName(node) !== "Math.random") return;
    report(
      node.start,
      "Math.random can be guessed: use crypto.getRandomValues, or fast-check's seed in tests",
    );
  },
});

export const output: Rule = ({ path }, report) => {
  if (!isWorker(path) || path === "src/platform/log.ts") return {};
  return {
    MemberExpression(node) {
      const name = dottedName(node) ?? "";
      if (!name.startsWith("console.")) return;
      report(
        node.start,
        `${name} can print personal data: log through src/platform/log.ts, whose fields are closed`,
      );
    },
  };
};

const bindingTypes =
  /^(D1(Database|DatabaseSession|PreparedStatement)|R2Bucket|DurableObject(Namespace|Stub|State|Storage)|Queue|KVNamespace|Fetcher|RateLimit|SendEmail)$/;
const runtimeTypes = /^(ExecutionContext|MessageBatch|ScheduledController|ExportedHandler|Env)$/;

/** What reaches a database or a bucket is named where the walls stand, and lib knows nothing of the runtime. */
export const bindings: Rule = ({ path }, report) => {
  const room = roomOf(path);
  if (room !== null && bindingRooms.includes(room)) return {};
  const own = new Set<string>();
  const named: { name: string; start: number }[] = [];
  return {
    TSTypeReference({ typeName }) {
      if (typeName.type === "Identifier") named.push(typeName);
    },
    ImportSpecifier: (node) => void own.add(node.local.name),
    ClassDeclaration: (node) => void own.add(node.id?.name ?? ""),
    TSInterfaceDeclaration: (node) => void own.add(node.id.name),
    TSTypeAliasDeclaration: (node) => void own.add(node.id.name),
    "Program:exit"() {
      for (const { name, start } of named.filter((type) => !own.has(type.name))) {
        if (bindingTypes.test(name)) {
          report(
            start,
            `${name} is a binding, for ${bindingRooms.join(", ")} alone: take what this needs as a port`,
          );
        } else if (room === "lib" && runtimeTypes.test(name)) {
          report(start, `${name} in lib, which knows no types of the runtime: take plain data instead`);
        }
      }
    },
  };
};

/** Whether a file runs in the Worker, rather than in Node or in tests. */
export function isWorker(path: string): boolean {
  return path.startsWith("src/") && roomOf(path) !== "cli";
}
