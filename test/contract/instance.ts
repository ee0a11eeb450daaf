import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Instance {
  readonly baseUrl: string;
  /** Where its data and its `.dev.vars` lie. */
  readonly home: string;
  readonly tenants: readonly { readonly slug: string; readonly cell: string; readonly apiKey: string }[];
  /** Serves no more, and leaves what it wrote where it is until it is stopped. */
  halt(): Promise<void>;
  stop(): Promise<void>;
}

/** What `npm start` serves, from a copy of the project with data of its own, and variables besides those of wrangler.toml. */
export async function startInstance(
  port?: number,
  vars: Readonly<Record<string, string>> = {},
): Promise<Instance> {
  const root = process.cwd();
  const home = mkdtempSync(join(tmpdir(), "keyline-instance-"));
  for (const entry of ["src", "migrations", "wrangler.toml", "package.json", "tsconfig.json"])
    cpSync(join(root, entry), join(home, entry), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(home, "node_modules"));
  const config = readFileSync(join(home, "wrangler.toml"), "utf8");
  const names = Object.keys(vars);
  const kept = config.split("\n").filter((line) => !names.some((name) => line.startsWith(`${name} = `)));
  const added = names.map((name) => `${name} = '${vars[name]}'`);
  writeFileSync(
    join(home, "wrangler.toml"),
    kept.join("\n").replace("[vars]", ["[vars]", ...added].join("\n")),
  );
  const server = spawn("node", ["src/cli/start.ts", "--port", String(port ?? (await freePort()))], {
    cwd: home,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [server.stdout, server.stderr]) stream.on("data", (chunk: Buffer) => (said += chunk));
  while (!/\/v1\/sign-in\n\n$/.test(said)) {
    assert.equal(server.exitCode, null, said);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { baseUrl, tenants } = JSON.parse(readFileSync(join(home, ".wrangler/demo.json"), "utf8"));
  return {
    baseUrl,
    home,
    tenants,
    halt,
    async stop() {
      await halt();
      rmSync(home, { recursive: true, force: true });
    },
  };

  async function halt() {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = new Promise((resolve) => server.once("exit", resolve));
    server.kill("SIGTERM");
    await ended;
  }
}

/** One that nobody listens on now; whoever takes it first has it. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("The system has no free port.");
  return address.port;
}
