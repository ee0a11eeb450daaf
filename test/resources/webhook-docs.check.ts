import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { Webhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { type Client, createClient } from "#client/client.ts";
import { heldFetch } from "#test/contract/held-fetch.ts";
import { type Instance, startInstance } from "#test/contract/instance.ts";

// Each receiver that src/resources/webhook-endpoints/README.md shows is cut out of it, started as it stands there, and
// sent real deliveries of a running Keyline, which pass through a relay that remembers them; then forgeries.

const docs = readFileSync("src/resources/webhook-endpoints/README.md", "utf8");
const home = mkdtempSync(join(tmpdir(), "keyline-receivers-"));
const relayPort = 18791;
const receiverPort = 18792;
const secondMs = 1000;
const relayed: Relayed[] = [];
let instance: Instance;
let endpoints: Client["webhookEndpoints"];

interface Relayed {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly status: number;
}

/** What runs a snippet; `serve.mjs` gives one with a fetch handler, as Workers have it, a port. */
const receivers: Readonly<Record<string, { file: string; command: string[] }>> = {
  Node: { file: "node.mjs", command: [process.execPath, "node.mjs"] },
  Python: { file: "receiver.py", command: ["python3", "receiver.py"] },
  "Plain crypto": { file: "plain.mjs", command: [process.execPath, "serve.mjs"] },
};

const serve = `
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import receiver from "./plain.mjs";
createServer(async (request, response) => {
  const { method, headers } = request;
  const answer = await receiver.fetch(new Request("http://localhost/", { method, headers, body: await text(request) }), process.env);
  response.writeHead(answer.status).end();
}).listen(Number(process.env.PORT));
`;

const relay = createServer(async (request, response) => {
  const headers = plain(request.headers);
  const body = await text(request);
  // Between two receivers a retry finds none.
  const status = await post(headers, body).catch(() => 502);
  relayed.push({ path: request.url ?? "", headers, body, status });
  response.writeHead(status).end();
});

before(async () => {
  symlinkSync(join(process.cwd(), "node_modules"), join(home, "node_modules"));
  writeFileSync(join(home, "serve.mjs"), serve);
  relay.listen(relayPort);
  instance = await startInstance(18790);
  const [tenant] = instance.tenants;
  assert.ok(tenant);
  const { slug, apiKey: key } = tenant;
  const { baseUrl } = instance;
  endpoints = createClient({ baseUrl, tenant: slug, key, fetch: heldFetch }).webhookEndpoints;
});

after(async () => {
  relay.close();
  relay.closeAllConnections();
  await instance?.stop();
  rmSync(home, { recursive: true, force: true });
});

for (const [name, { file, command }] of Object.entries(receivers)) {
  test(`the receiver that the docs show for "${name}" takes what Keyline sends and nothing else`, async () => {
    writeFileSync(join(home, file), snippet(name));
    const endpoint = await endpoints.create({
      body: { url: `http://localhost:${relayPort}/${file}`, eventTypes: ["location.created"] },
    });
    const params = { webhookEndpointId: endpoint.id };
    const oldSecret = shown(endpoint);
    let receiver = await run(command, oldSecret);
    try {
      const first = await delivered(endpoint.id, file);
      assert.equal(first.status, 204);
      for (const verifier of [new Webhook(oldSecret), new SvixWebhook(oldSecret)])
        verifier.verify(first.body, first.headers);
      assert.match(receiver.said(), /^webhook_endpoint\.tested \d+\n$/);

      assert.equal(await post(first.headers, first.body), 204, "a duplicate");
      for (const [how, { headers, body }] of Object.entries(forgeries(first, oldSecret)))
        assert.equal(await post(headers, body), 400, how);

      const newSecret = shown(await endpoints.rotate({ params, body: { overlapHours: 1 } }));
      assert.equal((await delivered(endpoint.id, file)).status, 204, "the old secret while both sign");
      await receiver.stop();
      receiver = await run(command, newSecret);
      assert.equal((await delivered(endpoint.id, file)).status, 204, "the new secret while both sign");
      await endpoints.rotate({ params, body: { overlapHours: 0 } });
      assert.equal((await delivered(endpoint.id, file)).status, 400, "a secret that no longer signs");
    } finally {
      await receiver.stop();
      await endpoints.remove({ params });
    }
  });
}

test("the docs show the three, and no fourth that is not tried", () => {
  const shown = [...docs.matchAll(/^### (.+)$/gm)].map(([, name]) => name);
  assert.deepEqual(shown, Object.keys(receivers));
});

/** The first code block below the heading of this name. */
function snippet(name: string): string {
  const [, code] = new RegExp(`^### ${name}$[^]*?^\`\`\`\\w+\\n([^]*?)^\`\`\`$`, "m").exec(docs) ?? [];
  assert.ok(code, `the docs show no code for ${name}`);
  return code;
}

function forgeries({ headers, body }: Relayed, secret: string) {
  const sentAt = new Date(Date.now() - 6 * 60 * secondMs);
  const id = headers["webhook-id"] ?? "";
  const resigned = (at: Date, signedBy: string) => ({
    headers: {
      ...headers,
      "webhook-timestamp": String(Math.floor(at.getTime() / secondMs)),
      "webhook-signature": new Webhook(signedBy).sign(id, at, body),
    },
    body,
  });
  const other = `whsec_${Buffer.alloc(32, 1).toString("base64")}`;
  return {
    "another body": { headers, body: body.replace("webhook", "wehbook") },
    "a space more": { headers, body: `${body} ` },
    "another id": { headers: { ...headers, "webhook-id": `${id}0` }, body },
    "a replay with a fresh time": {
      headers: { ...headers, "webhook-timestamp": String(Number(headers["webhook-timestamp"]) + 1) },
      body,
    },
    "genuine but six minutes old": resigned(sentAt, secret),
    "signed with another secret": resigned(new Date(), other),
    "no signature": { headers: { ...headers, "webhook-signature": "" }, body },
    "another version": {
      headers: {
        ...headers,
        "webhook-signature": String(headers["webhook-signature"]).replace("v1,", "v2,"),
      },
      body,
    },
    "a time that is none": { headers: { ...headers, "webhook-timestamp": "now" }, body },
  };
}

/** Has a test event sent, and waits until it has passed through the relay. */
async function delivered(webhookEndpointId: string, file: string): Promise<Relayed> {
  const before = relayed.length;
  await endpoints.test({ params: { webhookEndpointId } });
  for (let waited = 0; waited < 600; waited += 1) {
    const found = relayed.slice(before).find(({ path }) => path === `/${file}`);
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return assert.fail("nothing was delivered within half a minute");
}

/** The secret, which only the answer that made it has. */
function shown({ secret }: { readonly secret: string | null }): string {
  assert.ok(secret);
  return secret;
}

/** @returns the status that the receiver answered */
async function post(headers: Readonly<Record<string, string>>, body: string): Promise<number> {
  const sent = Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.startsWith("webhook-") || name === "content-type"),
  );
  return (await fetch(`http://localhost:${receiverPort}/`, { method: "POST", headers: sent, body })).status;
}

async function run([program = "", ...args]: readonly string[], secret: string) {
  let output = "";
  const env = { ...process.env, PORT: String(receiverPort), WEBHOOK_SECRET: secret };
  const child: ChildProcess = spawn(program, args, { cwd: home, env, stdio: ["ignore", "pipe", "pipe"] });
  let errors = "";
  child.stdout?.on("data", (chunk: Buffer) => (output += chunk));
  child.stderr?.on("data", (chunk: Buffer) => (errors += chunk));
  while (!(await isListening())) {
    assert.equal(child.exitCode, null, errors);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    said: () => output,
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function isListening(): Promise<boolean> {
  return await fetch(`http://localhost:${receiverPort}/`, { method: "POST" }).then(
    () => true,
    () => false,
  );
}

function plain(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
