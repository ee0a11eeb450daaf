import { createMessageBatch, runInDurableObject } from "cloudflare:test";
import { expect } from "vitest";
import type { LogCopy } from "#cli/verify-audit/verify.ts";
import { verifyLog } from "#cli/verify-audit/verify.ts";
import { platformTenant } from "#db/directory-tables.ts";
import { directoryKeys } from "#gate/directory-keys.ts";
import { AuditTree } from "#index.ts";
import { consume } from "#jobs/consume.ts";
import { logPlatformAudit } from "#jobs/log-audit.ts";
import { entriesOf } from "#lib/entry-bundle.ts";
import { parseTilePath, tileWidth } from "#lib/tlog-tiles.ts";
import { fromUtf8 } from "#lib/utf8.ts";
import { auditTreeOf } from "#platform/audit-trees.ts";
import { newId } from "#platform/ids.ts";
import { logAll, treeOf } from "#test/audit-log.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { type StoreScript, storesDomain, type Told } from "#test/store-server.ts";
import { envWith, proxied, type TestTenant } from "#test/world.ts";

/** A store with object lock of its own, and its entry in AUDIT_SINKS. */
export class TestSink {
  readonly name = `sink-${newId("x").slice(-12)}`;
  readonly #secret = newId("x");
  readonly entry: Readonly<Record<string, unknown>>;

  constructor(changes: object = {}) {
    this.entry = {
      name: this.name,
      endpoint: `https://${this.name}${storesDomain}`,
      region: "eu-central-1",
      bucket: "acme-audit",
      prefix: "keyline/",
      retainDays: 3650,
      owners: ["us1", "platform"],
      ...changes,
    };
  }

  get keys(): string {
    return `${this.name}:AKIA${this.name}:${this.#secret}`;
  }

  async behave(script: Partial<StoreScript> = {}): Promise<void> {
    const secrets = { [`AKIA${this.name}`]: this.#secret };
    const fail = { times: 0, status: 503 };
    const whole: StoreScript = { secrets, region: "eu-central-1", nowMs: null, fail, holdMs: 0, ...script };
    const body = JSON.stringify(whole);
    await (await fetch(`https://${this.name}${storesDomain}/script`, { method: "PUT", body })).text();
  }

  async told(): Promise<Told> {
    return await (await fetch(`https://${this.name}${storesDomain}/told`)).json();
  }

  /** What it holds of this owner, by path, in the order of its coming. */
  async filesOf(ownerId: string): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
    const { objects } = await this.told();
    const start = `acme-audit/keyline/${ownerId}/`;
    return new Map(
      objects
        .filter(({ key }) => key.startsWith(start))
        .map(({ key, base64 }) => [key.slice(start.length), Uint8Array.fromBase64(base64)]),
    );
  }
}

export async function newSink(changes: object = {}): Promise<TestSink> {
  const sink = new TestSink(changes);
  await sink.behave();
  return sink;
}

export interface Woken {
  readonly cell: string;
  readonly body: object;
}

/** The bindings of a deployment with these sinks, and what it sends to the queues of their copies. */
export function envOf(sinks: readonly TestSink[], changes: Readonly<Record<string, unknown>> = {}) {
  const woken: Woken[] = [];
  const queue = (cell: string) =>
    proxied({} as Queue, {
      async sendBatch(messages: { body: object }[]) {
        woken.push(...messages.map(({ body }) => ({ cell, body })));
      },
    });
  const env = envWith({
    AUDIT_SINKS: JSON.stringify(sinks.map(({ entry }) => entry)),
    AUDIT_SINK_KEYS: sinks.map(({ keys }) => keys).join(","),
    SINKS_US1: queue("us1"),
    SINKS_EU1: queue("eu1"),
    ...changes,
  });
  return { env, woken };
}

/** All of the tenant's audit is published afterwards, as at the end of an hour. */
export async function publish(tenant: TestTenant, env: TestEnv): Promise<void> {
  await logAll(tenant);
  await runInDurableObject(treeOf(tenant), (_, state) => new AuditTree(state, env).alarm());
}

/** The same of the platform's own. */
export async function publishPlatforms(env: TestEnv): Promise<void> {
  await logPlatformAudit(testEnv());
  const tree = auditTreeOf(testEnv(), null, platformTenant);
  await runInDurableObject(tree, (_, state) => new AuditTree(state, env).alarm());
}

/** Consumes what was sent, and what is sent meanwhile, until the queues are empty; or so many messages. */
export async function deliver(
  env: TestEnv,
  woken: Woken[],
  now = Date.now(),
  most = Number.POSITIVE_INFINITY,
): Promise<void> {
  for (let count = 0; woken.length > 0 && count < most; count += 1) {
    const next = woken.shift();
    const messages = [{ id: newId("msg"), timestamp: new Date(), attempts: 1, body: next?.body }];
    await consume(env, createMessageBatch(`keyline-audit-sinks-${next?.cell}`, messages), now);
  }
}

/** A log from its files, as one has it who has nothing but the store. */
function copyOf(
  { tenantId }: TestTenant,
  files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
  publicKey: Uint8Array<ArrayBuffer>,
): LogCopy {
  const hashes = (bytes: Uint8Array<ArrayBuffer>) =>
    Array.from({ length: bytes.length / 32 }, (_, at) => bytes.slice(at * 32, (at + 1) * 32));
  const heads = [...files].filter(([path]) => path.startsWith("checkpoints/"));
  return {
    origin: `localhost:8787/audit/${tenantId}`,
    publicKeys: [publicKey],
    heads: heads.map(([, bytes]) => fromUtf8(bytes)),
    leaves: inOrder(files, 0).flatMap(hashes),
    entries: inOrder(files, null).flatMap((bytes) => entriesOf(bytes) ?? []),
    rows: null,
    readAt: null,
  };
}

function inOrder(files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>, level: number | null) {
  const widest = new Map<number, { width: number; bytes: Uint8Array<ArrayBuffer> }>();
  for (const [path, bytes] of files) {
    const tile = parseTilePath(path);
    if (tile?.level !== level || !tile || tile.width < (widest.get(tile.index)?.width ?? 0)) continue;
    widest.set(tile.index, { width: tile.width, bytes });
  }
  const tiles = [...widest].toSorted(([one], [other]) => one - other).map(([, tile]) => tile);
  const full = tiles.findIndex(({ width }) => width < tileWidth);
  return tiles.slice(0, full === -1 ? undefined : full + 1).map(({ bytes }) => bytes);
}

/** The bucket's files, all of them, and a log that verifies from them alone. */
export async function expectWhole(
  tenant: TestTenant,
  files: Map<string, Uint8Array<ArrayBuffer>>,
): Promise<void> {
  const { cell, tenantId } = tenant;
  const { objects } = await cell.auditLog.list({ prefix: `${tenantId}/` });
  const paths = objects.map(({ key }) => key.slice(tenantId.length + 1));
  expect([...files.keys()].toSorted()).toEqual(paths.toSorted());
  for (const path of paths) {
    const object = await cell.auditLog.get(`${tenantId}/${path}`);
    expect(files.get(path), path).toEqual(new Uint8Array((await object?.arrayBuffer()) ?? new ArrayBuffer()));
  }
  const { checkpointSigner } = await directoryKeys(testEnv(), (keys) => keys.checkpointSigner !== null);
  if (!checkpointSigner) throw new Error("There is no key for checkpoints.");
  const inOrder = [...files];
  // At every moment: what had come until a head came verifies under it.
  for (const [at, [path]] of inOrder.entries()) {
    if (!path.startsWith("checkpoints/")) continue;
    const copy = copyOf(tenant, new Map(inOrder.slice(0, at + 1)), checkpointSigner.publicKey);
    const findings = await verifyLog(copy);
    expect(
      findings.filter(({ isFault }) => isFault),
      path,
    ).toEqual([]);
    expect(copy.leaves.length).toBeGreaterThanOrEqual(Number(path.split("/")[1]));
  }
}
