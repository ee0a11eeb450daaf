import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { prepareDemo } from "./demo.ts";
import { wrangler } from "./wrangler.ts";

// Migrates and seeds, then serves: everything local, kept under .wrangler/, and nothing is asked.

const { values } = parseArgs({
  options: { port: { type: "string", default: "8787" }, verbose: { type: "boolean", default: false } },
});
const baseUrl = `http://localhost:${values.port}`;
const demoFile = ".wrangler/demo.json";

if (await answers("/healthz")) {
  console.error(
    `Something serves ${baseUrl} already. Stop it, or choose another port: npm start -- --port 8788`,
  );
  process.exit(1);
}
await mkdir(".wrangler", { recursive: true });
await writeDevVars();
for (const database of ["DIRECTORY", "CELL_US1", "CELL_EU1", "LOG_US1", "LOG_EU1"])
  await wrangler(["d1", "migrations", "apply", database, "--local"]);
const demo = await prepareDemo(await readDemo());
await writeFile(demoFile, `${JSON.stringify({ baseUrl, tenants: demo }, null, 2)}\n`, { mode: 0o600 });

const server = spawn(
  "wrangler",
  [
    "dev",
    "--port",
    values.port,
    // Any free one: two that start at once would choose the same.
    "--inspector-port",
    "0",
    "--show-interactive-dev-session=false",
    ...(values.verbose ? [] : ["--log-level", "error"]),
    "--var",
    `PUBLIC_ORIGIN:${baseUrl}`,
    "--var",
    "WEBHOOKS_TO_LOCALHOST:true",
    "--var",
    "MAIL:mailbox",
    "--var",
    "SMS:mailbox",
  ],
  {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, WRANGLER_SEND_METRICS: "false" },
  },
);
server.on("exit", (code) => process.exit(code ?? 0));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => server.kill(signal));

await untilHealthy();
introduce();
// Cron never fires by itself in local development.
setInterval(() => void fetch(`${baseUrl}/cdn-cgi/local/scheduled`).catch(() => undefined), 60_000);

async function writeDevVars(): Promise<void> {
  if (existsSync(".dev.vars")) return;
  const key = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");
  await writeFile(".dev.vars", `KEYLINE_KEKS="1:${key}"\n`, { mode: 0o600 });
}

async function readDemo(): Promise<unknown> {
  return existsSync(demoFile) ? JSON.parse(await readFile(demoFile, "utf8")) : null;
}

async function untilHealthy(): Promise<void> {
  while (!(await answers("/healthz"))) await new Promise((resolve) => setTimeout(resolve, 200));
}

async function answers(path: string): Promise<boolean> {
  return (await fetch(baseUrl + path).catch(() => null)) !== null;
}

function introduce(): void {
  const [first] = demo;
  console.log(`\nKeyline serves ${baseUrl}\n`);
  for (const { slug, cell, apiKey, ownerEmail, ownerPassword } of demo)
    console.log(`  ${slug} (cell ${cell})\n    ${apiKey}\n    ${ownerEmail}  ${ownerPassword}`);
  console.log(`\n  Sign in as an owner at ${baseUrl}/sign-in, where a token for curl is handed out`);
  console.log(`  Mail goes nowhere but to ${baseUrl}/mailbox`);
  if (!first) return;
  const tenant = `${baseUrl}/v1/tenants/${first.slug}`;
  console.log(`
Try:
  export KEY=${first.apiKey}
  curl -s -H "Authorization: Bearer $KEY" ${tenant}/orders
  curl -s -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"name":"Ada Lovelace","email":"ada@example.com"}' ${tenant}/customers
  curl -s -H "Authorization: Bearer $KEY" ${tenant}/audit
  curl -s -H "Content-Type: application/json" -d '{"email":"${first.ownerEmail}","password":"${first.ownerPassword}"}' ${baseUrl}/v1/sign-in
`);
}
