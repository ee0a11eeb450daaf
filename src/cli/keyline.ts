import { parseArgs } from "node:util";
import { accountCommands } from "./account.ts";
import { commands, type Options, usage } from "./commands.ts";
import { offlineCommands } from "./offline.ts";

// The operator's commands: `npm run keyline -- <command>`.

const names = [
  ...new Set(Object.values(commands).flatMap(({ options, optional = [] }) => [...options, ...optional])),
];
process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  return 1;
});

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      remote: { type: "boolean", default: false },
      ...Object.fromEntries(names.map((name) => [name, { type: "string" as const }])),
    },
  });
  const [first = "", ...more] = positionals;
  const offline = Object.hasOwn(offlineCommands, first) ? offlineCommands[first] : undefined;
  if (offline) {
    const [least, most] = offline.words;
    if (
      more.length < least ||
      more.length > most ||
      values.remote ||
      Object.values(values).some((value) => typeof value === "string")
    )
      throw new Error(usage());
    return shown(await offline.run(more));
  }
  const name = positionals.join(" ");
  const { remote, ...options } = values;
  const ofAccount = Object.hasOwn(accountCommands, name) ? accountCommands[name] : undefined;
  if (ofAccount) {
    optionsOf(options, []);
    return shown(await ofAccount.run());
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) throw new Error(usage());
  const option = optionsOf(options, command.options, command.optional);
  const keks = remote ? secrets(command.isKeyless === true) : null;
  // Loads wrangler, which takes seconds; whoever mistyped shall not wait for it.
  const { localBindings, remoteBindings } = await import("./bindings.ts");
  const { env, dispose } = keks ? await remoteBindings(keks) : await localBindings();
  try {
    return shown(await command.run(env, option, Date.now(), remote));
  } finally {
    await dispose();
  }
}

function shown({ said, isDone }: { said: string; isDone: boolean }): number {
  console.log(said);
  return isDone ? 0 : 1;
}

function optionsOf(
  given: Options,
  wanted: readonly string[],
  optional: readonly string[] = [],
): (name: string) => string {
  const missing = wanted.filter((name) => !given[name]);
  const foreign = Object.keys(given).filter((name) => ![...wanted, ...optional].includes(name));
  if (missing.length > 0 || foreign.length > 0) throw new Error(usage());
  return (name) => given[name] ?? "";
}

function secrets(isKeyless: boolean) {
  const { KEYLINE_KEKS = "", KEYLINE_KMS_TOKENS = "" } = process.env;
  if (KEYLINE_KEKS === "" && KEYLINE_KMS_TOKENS === "" && !isKeyless)
    throw new Error("Set KEYLINE_KEKS to the deployment's own: rows are sealed under it.");
  return { KEYLINE_KEKS, KEYLINE_KMS_TOKENS };
}
