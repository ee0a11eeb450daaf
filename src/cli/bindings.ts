import { mkdir, readFile, writeFile } from "node:fs/promises";
import { parseEnv } from "node:util";
import { getPlatformProxy, unstable_readConfig } from "wrangler";
import type { Env } from "#platform/env.ts";

interface Bindings {
  readonly env: Env;
  readonly dispose: () => Promise<void>;
}

const state = ".wrangler/state/v3";

/** The databases of wrangler.toml as `wrangler dev` sees them, without the rest of it: nothing serves yet. */
export async function localBindings(): Promise<Bindings> {
  return await bindings(false, parseEnv(await readFile(".dev.vars", "utf8")));
}

/** The databases that are deployed, by the account that wrangler is signed in to; secrets are the caller's. */
export async function remoteBindings(
  secrets: Pick<Env, "KEYLINE_KEKS" | "KEYLINE_KMS_TOKENS">,
): Promise<Bindings> {
  return await bindings(true, secrets);
}

async function bindings(isRemote: boolean, secrets: object): Promise<Bindings> {
  const { d1_databases, r2_buckets, queues, vars, name, compatibility_date } = unstable_readConfig({
    config: "wrangler.toml",
  });
  const config = {
    name,
    compatibility_date,
    vars,
    // Files and queues stay local: commands touch rows alone, and cron finds what they wrote. Of audits they read the log.
    d1_databases: d1_databases.map((database: object) =>
      isRemote ? { ...database, remote: true } : database,
    ),
    r2_buckets: r2_buckets.map((bucket: { binding: string }) =>
      isRemote && bucket.binding.startsWith("AUDIT_LOG_") ? { ...bucket, remote: true } : bucket,
    ),
    queues: { producers: queues.producers },
  };
  await mkdir(".wrangler", { recursive: true });
  await writeFile(".wrangler/bindings.json", JSON.stringify(config));
  const proxy = await getPlatformProxy<Env>({
    configPath: ".wrangler/bindings.json",
    persist: { path: state },
    remoteBindings: isRemote,
  });
  return { env: { ...proxy.env, ...secrets } as Env, dispose: () => proxy.dispose() };
}
