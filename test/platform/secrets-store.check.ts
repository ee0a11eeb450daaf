import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { encodeBase64Url } from "#lib/base64url.ts";
import { bundle, type Deployment, deploy } from "#test/bench/deployment.ts";

// KEYLINE_KEKS bound to a Secrets Store, which miniflare has: its text is asked for, and changes under the Worker.

const newKek = (version: number) =>
  `${version}:${encodeBase64Url(crypto.getRandomValues(new Uint8Array(32)))}`;
const first = newKek(1);
let deployment: Deployment;

before(async () => {
  deployment = await deploy(await bundle(), { keks: first, hasSecretsStore: true });
  await deployment.runCron();
});

after(async () => {
  await deployment?.stop();
});

test("a deployment whose KEKs lie in a Secrets Store becomes ready", async () => {
  assert.deepEqual(await failedChecks(), []);
  assert.deepEqual(await wraps(), ["kek1"]);
});

test("a KEK that was added to the store wraps everything after the next cron, and no isolate was restarted", async () => {
  await deployment.storeKeks(`${first},${newKek(2)}`);
  // The text is asked for again after some seconds; until then the one of before serves.
  for (let tries = 0; (await wraps())[0] !== "kek2" && tries < 100; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await deployment.runCron();
  }
  assert.deepEqual(await wraps(), ["kek2"]);
  assert.deepEqual(await failedChecks(), []);
});

async function failedChecks(): Promise<string[]> {
  const answer = await fetch(new URL("/readyz", deployment.url));
  const { errors = [] } = (await answer.json()) as { errors?: { parameter: string }[] };
  return errors.map(({ parameter }) => parameter);
}

async function wraps(): Promise<string[]> {
  const { DIRECTORY } = await deployment.env();
  const { results } = await DIRECTORY.prepare("select wrapped from tenant_keys").all<{ wrapped: string }>();
  return results.map(({ wrapped }) => wrapped.split(".")[1] ?? "");
}
