import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import {
  unstable_getMiniflareWorkerOptions as optionsOf,
  unstable_readConfig as readConfig,
  unstable_splitSqlQuery as splitSql,
} from "wrangler";
import { wrangler } from "#cli/wrangler.ts";
import { encodeBase64Url } from "#lib/base64url.ts";
import type { Env } from "#platform/env.ts";
import { childrenOf } from "./process.ts";

const configPath = "wrangler.toml";
// Both are read when wrangler is used: the first is what asks the registry for updates, the second tells of .dev.vars.
process.env.WRANGLER_HIDE_BANNER = "true";
process.env.WRANGLER_LOG = "error";

/** A deployment on this machine: the bundle as it would be uploaded, in workerd, with all that wrangler.toml binds. */
export interface Deployment {
  readonly url: URL;
  /** The same bindings, as Node reaches them. They die with workerd: read them anew after a restart. */
  env(): Promise<Env>;
  /** Where V8's inspector listens, if it was asked for. */
  inspector(): Promise<URL>;
  /** Runs what cron would run by now. */
  runCron(): Promise<void>;
  readonly workerdPid: number;
  /** KEYLINE_KEKS. */
  readonly keks: string;
  /** Where they lie in a Secrets Store: has another text there, under the running Worker. */
  storeKeks(text: string): Promise<void>;
  stop(): Promise<void>;
}

export interface DeploymentOptions {
  /** Where the state is kept; nothing outlives workerd otherwise. */
  readonly statePath?: string;
  readonly keks?: string;
  /** KEYLINE_KEKS is bound to a Secrets Store. */
  readonly hasSecretsStore?: boolean;
  readonly inspected?: boolean;
  /** Stands before the bundle's own text. */
  readonly prelude?: string;
  readonly log?: (line: string) => void;
}

/** Bundles as `wrangler deploy` would, asking no account and no network. @returns the bundle's text */
export async function bundle(entry?: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "keyline-bundle-"));
  try {
    await wrangler([
      "deploy",
      ...(entry ? [entry] : []),
      "--config",
      configPath,
      "--dry-run",
      "--outdir",
      folder,
    ]);
    const built = (await readdir(folder)).filter((name) => !/\.(map|md|wasm)$/.test(name));
    const [main, ...others] = built.filter((name) => !/\.(css|mjs)$/.test(name));
    if (!main?.endsWith(".js") || others.length > 0)
      throw new Error(`The bundle holds more than code and texts: pass ${built.join(", ")} to miniflare.`);
    let script = await readFile(join(folder, main), "utf8");
    // The pages' style sheets and script are modules of their own: they join the one file as the texts they are.
    for (const name of built.filter((each) => each !== main)) {
      const text = JSON.stringify(await readFile(join(folder, name), "utf8"));
      script = script.replace(
        new RegExp(`import (\\w+) from "\\./${name.replaceAll(".", "\\.")}";`),
        (_, variable) => `const ${variable} = ${text};`,
      );
    }
    return script;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Starts workerd with the bundle and migrates its databases. */
export async function deploy(script: string, options: DeploymentOptions = {}): Promise<Deployment> {
  const keks = options.keks ?? `1:${encodeBase64Url(crypto.getRandomValues(new Uint8Array(32)))}`;
  const inStore = options.hasSecretsStore === true;
  const { workerOptions } = optionsOf(configPath);
  const before = await childrenOf(process.pid);
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      // The placeholder of Request.cf, which would be fetched otherwise.
      cf: false,
      log: new Log(LogLevel.NONE),
      logRequests: false,
      ...(options.inspected ? { inspectorPort: 0 } : {}),
      // What runCron asks: cron never fires by itself here.
      unsafeTriggerHandlers: true,
      handleStructuredLogs: ({ message }) => options.log?.(message),
      ...(options.statePath ? { resourcePersistencePath: options.statePath } : {}),
      workers: [
        {
          ...workerOptions,
          name: "keyline",
          modules: [
            { type: "ESModule", path: "index.js", contents: `${options.prelude ?? ""}\n${script}` },
            ...(await wasmOf(script)),
          ],
          bindings: Object.assign({}, workerOptions.bindings, inStore ? {} : { KEYLINE_KEKS: keks }),
          secretsStoreSecrets: inStore ? { KEYLINE_KEKS: { store_id: "keyline", secret_name: "keks" } } : {},
        },
      ],
    }),
  );
  const url = await miniflare.ready;
  const [workerdPid] = (await childrenOf(process.pid)).filter((pid) => !before.includes(pid));
  if (workerdPid === undefined) throw new Error("Miniflare started no process.");
  if (inStore) await (await miniflare.getSecretsStoreSecretAPI("KEYLINE_KEKS"))().create(keks);
  await migrate(miniflare);
  return {
    url,
    keks,
    storeKeks: async (text) => {
      const store = (await miniflare.getSecretsStoreSecretAPI("KEYLINE_KEKS"))();
      const [secret] = await store.list();
      await store.update(text, secret?.metadata?.uuid ?? "");
    },
    workerdPid,
    inspector: () => miniflare.getInspectorURL(),
    runCron: () => runCron(url),
    // Miniflare's proxies have the methods of the bindings; what they leave out, nobody here calls.
    env: async () => (await miniflare.getBindings()) as unknown as Env,
    stop: () => miniflare.dispose(),
  };
}

/** The passwords' hash function is the one module that is neither code nor text: under the name the bundle asks for. */
async function wasmOf(script: string) {
  const [, path] = /\bimport\("\.\/([^"]+-simd\.wasm)"\)/.exec(script) ?? [];
  if (path === undefined) return [];
  const contents = await readFile(fileURLToPath(import.meta.resolve("argon2id/dist/simd.wasm")));
  return [{ type: "CompiledWasm" as const, path, contents }];
}

async function runCron({ origin }: URL): Promise<void> {
  const answer = await fetch(`${origin}/cdn-cgi/local/scheduled`);
  if (!answer.ok) throw new Error(`Cron was not run: ${answer.status} ${await answer.text()}`);
}

async function migrate(miniflare: Miniflare): Promise<void> {
  for (const { binding, migrations_dir: folder } of readConfig({ config: configPath }).d1_databases) {
    if (!folder) throw new Error(`${configPath} names no migrations_dir for ${binding}.`);
    const database = await miniflare.getD1Database(binding);
    await database.exec(
      "create table if not exists d1_migrations (id integer primary key, name text unique, applied_at timestamp default current_timestamp not null)",
    );
    const { results } = await database.prepare("select name from d1_migrations").all<{ name: string }>();
    const applied = new Set(results.map(({ name }) => name));
    for (const file of (await readdir(folder)).sort().filter((name) => !applied.has(name))) {
      const statements = splitSql(await readFile(join(folder, file), "utf8"));
      await database.batch([
        ...statements.map((statement) => database.prepare(statement)),
        database.prepare("insert into d1_migrations (name) values (?)").bind(file),
      ]);
    }
  }
}
