import { createHash } from "node:crypto";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { text as readAll } from "node:stream/consumers";
import { businesses } from "#cli/businesses.ts";
import { mintDemoKey, type Seeded, seedTenant } from "#cli/seed.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import type { Deployment } from "#test/bench/deployment.ts";
import { assertHeld, heldFetch } from "#test/contract/held-fetch.ts";

/** A tenant of a deployment, and a key to it. */
export interface Shop extends Pick<Seeded, "tenantId" | "customerIds"> {
  readonly base: string;
  readonly key: string;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

const business = { ...businesses[1], plan: "enterprise" as const };

export async function openShop(deployment: Deployment): Promise<Shop> {
  const env = await deployment.env();
  const now = Date.now();
  await ensureDirectoryKeys(env, now);
  const seeded = await seedTenant(env, business, now);
  if (!seeded) throw new Error("The new state held a tenant already.");
  const { tenantId, customerIds, cell, memberIds } = seeded;
  const { key } = await mintDemoKey(env, cell, tenantId, memberIds.owner, now);
  return { tenantId, customerIds, key, base: baseOf(deployment) };
}

export function baseOf({ url }: Deployment): string {
  return `${url.origin}/v1/tenants/${business.slug}`;
}

/** @throws Error where the answer is no success */
export async function ask(
  { base, key }: Shop,
  method: string,
  path: string,
  body?: object,
): Promise<Record<string, unknown>> {
  const answer = await heldFetch(`${base}${path}`, {
    method,
    headers: { Authorization: `Bearer ${key}`, ...(body ? { "Content-Type": "application/json" } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Record<string, unknown>;
}

/** A file whose bytes are awaited; any bytes are one. @returns its id */
export async function announce(shop: Shop): Promise<string> {
  const [customerId] = shop.customerIds;
  const body = { name: "plot.bin", mediaType: "application/octet-stream", customerId };
  return String((await ask(shop, "POST", "/files", body)).id);
}

/** A body on its way, that goes on and ends when it is told to. */
export class Upload {
  readonly answer: Promise<Answer>;
  readonly #request: ClientRequest;
  readonly #source: Iterator<Buffer>;
  #left: number;
  #piece: Buffer = Buffer.alloc(0);

  constructor({ base, key }: Shop, path: string, size: number, source: Iterator<Buffer> = noise(path)) {
    this.#left = size;
    this.#source = source;
    const headers = { Authorization: `Bearer ${key}`, "Content-Length": size };
    this.#request = request(`${base}${path}`, { method: "PUT", headers });
    this.answer = answerOf(this.#request, `${base}${path}`);
    // Whoever has not awaited it yet finds the failure when they do.
    this.answer.catch(() => undefined);
  }

  /** Sends on until so many bytes are left. */
  async sendAllBut(left: number): Promise<void> {
    while (this.#left > left) {
      if (this.#piece.length === 0) this.#piece = this.#source.next().value;
      const bytes = this.#piece.subarray(0, this.#left - left);
      this.#piece = this.#piece.subarray(bytes.length);
      this.#left -= bytes.length;
      if (this.#request.write(bytes)) continue;
      // A connection that dies drains no more.
      await Promise.race([new Promise((resolve) => this.#request.once("drain", resolve)), this.answer]);
    }
    if (left === 0) this.#request.end();
  }

  hangUp(): void {
    this.#request.destroy();
  }

  async finish(): Promise<Answer> {
    await this.sendAllBut(0);
    return await this.answer;
  }
}

async function answerOf(sent: ClientRequest, url: string): Promise<Answer> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    sent.on("error", reject);
    sent.on("response", resolve);
  });
  const { statusCode: status = 0, headers } = response;
  const answer = {
    status,
    headers: new Headers(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    text: await readAll(response),
  };
  assertHeld(sent.method, url, answer);
  return answer;
}

/** Bytes without end, the same for the same seed, in pieces of 64 KiB of which no two are alike. */
export function* noise(seed: string): Generator<Buffer, never> {
  const block = createHash("sha512").update(seed).digest();
  for (let index = 0; ; index += 1) {
    const piece = Buffer.alloc(64 * 1024, block);
    piece.writeUInt32LE(index);
    yield piece;
  }
}
