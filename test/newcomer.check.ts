import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createClient, each } from "#client/client.ts";
import type { Customer } from "#client/operations.ts";
import { KeylineProblem } from "#client/problem.ts";
import { heldFetch } from "#test/contract/held-fetch.ts";
import { freePort } from "#test/contract/instance.ts";
import { keksOfText } from "#test/keks.ts";

// What README promises of `npm start`, tried in a copy of the project that has never been started.

const root = new URL("..", import.meta.url).pathname;
const manifest: { scripts: { start: string } } = JSON.parse(readFileSync("package.json", "utf8"));
let port: number;
const home = mkdtempSync(join(tmpdir(), "keyline-newcomer-"));
let server: ChildProcess;
let said = "";

before(async () => {
  for (const entry of ["src", "migrations", "wrangler.toml", "package.json", "tsconfig.json"]) {
    cpSync(join(root, entry), join(home, entry), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(home, "node_modules"));
  port = await freePort();
  await start();
});

after(async () => {
  await stop();
  rmSync(home, { recursive: true, force: true });
});

test("the address answers, and the deployment is ready", async () => {
  assert.equal((await heldFetch(`${demo().baseUrl}/healthz`)).status, 200);
  const ready = await heldFetch(`${demo().baseUrl}/readyz`);
  assert.equal(ready.status, 200, await ready.text());
});

test("README's line makes a key-encryption key that is one", async () => {
  const [, script = ""] = /^node -e '([^']+)' \|/m.exec(readFileSync("README.md", "utf8")) ?? [];
  const made = execFileSync("node", ["-e", script], { encoding: "utf8" });
  assert.equal((await keksOfText(made.trim())).currentVersion, 1);
});

test("two demo tenants lie in two cells, with a key each", () => {
  const tenants = demo().tenants.map(({ slug, cell }) => `${slug} ${cell}`);
  assert.deepEqual(tenants, ["harbour-cafe eu1", "northside-signs us1"]);
  for (const { id, apiKey, cell } of demo().tenants) {
    assert.match(id, /^ten_/);
    assert.match(apiKey, new RegExp(`^kl_live_${cell}_`));
  }
});

test("the four commands it prints work when pasted", () => {
  const commands = said.slice(said.indexOf("Try:") + 4).trim();
  assert.equal(commands.match(/^\s*curl /gm)?.length, 4);
  const output = execFileSync(
    "bash",
    ["-euo", "pipefail", "-c", commands.replaceAll("curl -s", "curl -sS --fail-with-body")],
    { encoding: "utf8" },
  );
  assert.match(output, /"number":1/);
  assert.match(output, /"name":"Ada Lovelace"/);
  assert.match(output, /"operation":"customers.create"/);
  assert.match(output, /"refreshToken":"klr_/);
});

test("each owner signs in and gets a token of their own business", async () => {
  const { baseUrl, tenants } = demo();
  const post = async (path: string, body: object) => {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(baseUrl + path, { method: "POST", headers, body: JSON.stringify(body) });
    return { status: answer.status, json: (await answer.json()) as Record<string, string> };
  };
  for (const { slug, ownerEmail: email, ownerPassword: password } of tenants) {
    const signedIn = await post("/v1/sign-in", { email, password });
    assert.equal(signedIn.status, 201);
    const { refreshToken } = signedIn.json;
    const { json } = await post("/v1/tokens", { refreshToken, tenant: slug });
    const orders = await fetch(`${baseUrl}/v1/tenants/${slug}/orders`, {
      headers: { Authorization: `Bearer ${json.accessToken}` },
    });
    assert.equal(orders.status, 200);
    for (const other of tenants.filter((each) => each.slug !== slug)) {
      const foreign = await post("/v1/tokens", { refreshToken: json.refreshToken ?? "", tenant: other.slug });
      assert.equal(foreign.status, 404);
    }
  }
});

test("a newcomer signs in on the page and gets a token for curl within a minute", async () => {
  const { baseUrl, tenants } = demo();
  const [{ slug, ownerEmail: email, ownerPassword: password } = assert.fail("There is no demo.")] = tenants;
  const page = pagesOf(baseUrl);
  assert.match(await page.get("/"), /<h1>Sign in</);
  assert.match(await page.submit("/sign-in", { email, password }), /<h1>Your businesses</);
  const pasted = await page.submit("/home", { tenant: slug });
  const [, escaped = ""] = /<code>(export TOKEN=[^<]+)<\/code>/.exec(pasted) ?? [];
  const commands = escaped.replaceAll("&quot;", '"').replaceAll("curl -s", "curl -sS --fail-with-body");
  const output = execFileSync("bash", ["-euo", "pipefail", "-c", commands], { encoding: "utf8" });
  assert.deepEqual(Object.keys(JSON.parse(output)), ["data", "nextCursor"]);
});

test("a demo key of one tenant finds nothing of the other", async () => {
  const [cafe, signs] = demo().tenants;
  const astray = createClient({
    baseUrl: demo().baseUrl,
    tenant: signs?.slug ?? "",
    key: cafe?.apiKey ?? "",
    fetch: heldFetch,
  });
  await assert.rejects(
    astray.orders.list(),
    (error) => error instanceof KeylineProblem && error.problem === "not-found",
  );
});

test("cron can be called locally, as the start script does", async () => {
  assert.equal((await fetch(`${demo().baseUrl}/cdn-cgi/local/scheduled`)).status, 200);
});

test("a second start keeps the data and asks nothing", async () => {
  const first = demo();
  const before = await customers(first);
  await stop();
  await start();
  assert.deepEqual(demo(), first);
  assert.ok(before.length > 0);
  assert.deepEqual(await customers(first), before);
});

interface Demo {
  readonly baseUrl: string;
  readonly tenants: readonly {
    slug: string;
    id: string;
    cell: string;
    apiKey: string;
    ownerEmail: string;
    ownerPassword: string;
  }[];
}

function demo(): Demo {
  return JSON.parse(readFileSync(join(home, ".wrangler/demo.json"), "utf8"));
}

/** A browser without a script: it keeps cookies, follows, and sends forms with what they hide. */
function pagesOf(baseUrl: string) {
  const jar = new Map<string, string>();
  let last = "";
  const load = async (path: string, init: RequestInit = {}): Promise<string> => {
    const cookie = [...jar].map((pair) => pair.join("=")).join("; ");
    const headers = { Cookie: cookie, Origin: baseUrl };
    const answer = await fetch(new URL(path, baseUrl), { ...init, headers, redirect: "manual" });
    for (const set of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      jar.set(name, value);
    }
    last = await answer.text();
    const next = answer.headers.get("location");
    return next === null ? last : await load(next);
  };
  return {
    get: load,
    async submit(path: string, fields: Record<string, string>): Promise<string> {
      const [, form = ""] = last.split(`action="${path}"`);
      const body = new URLSearchParams(fields);
      const hidden = form
        .replace(/<\/form>.*/s, "")
        .matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g);
      for (const [, name = "", value = ""] of hidden) if (!body.has(name)) body.set(name, value);
      return await load(path, { method: "POST", body });
    },
  };
}

async function customers({ baseUrl, tenants: [first] }: Demo): Promise<readonly Customer[]> {
  const keyline = createClient({
    baseUrl,
    tenant: first?.slug ?? "",
    key: first?.apiKey ?? "",
    fetch: heldFetch,
  });
  const found: Customer[] = [];
  for await (const customer of each(keyline.customers.list)) found.push(customer);
  return found;
}

async function start(): Promise<void> {
  said = "";
  const path = `${join(root, "node_modules/.bin")}:${process.env.PATH}`;
  const [command = "", ...script] = manifest.scripts.start.split(" ");
  server = spawn(command, [...script, "--port", String(port)], {
    cwd: home,
    env: { ...process.env, PATH: path },
    stdio: ["ignore", "pipe", "pipe"],
  });
  server.stdout?.on("data", (chunk: Buffer) => (said += chunk));
  server.stderr?.on("data", (chunk: Buffer) => (said += chunk));
  while (!/\/v1\/sign-in\n\n$/.test(said)) {
    assert.equal(server.exitCode, null, said);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function stop(): Promise<void> {
  const ended = new Promise((resolve) => server.once("exit", resolve));
  server.kill("SIGTERM");
  await ended;
}
