import { setTimeout } from "node:timers/promises";
import { type Client, createClient, each } from "#client/client.ts";
import { secondMs } from "#lib/time.ts";
import { originIn, type Row, RowLine } from "./rows.ts";
import type { LogCopy } from "./verify.ts";

const perPage = 100;
const waitMs = 2 * secondMs;
const waits = 5;

/** `https://<host>/v1/tenants/<slug or id>`. */
const urlGrammar = /^(https?:\/\/[^/?#]+)\/v1\/tenants\/([A-Za-z0-9_-]+)\/?$/;

export function isTenantUrl(given: string): boolean {
  return urlGrammar.test(given);
}

/**
 * A tenant's log and rows as its deployment tells them: what is asked comes through the API, with a key that may read the
 * audit of the whole tenant.
 */
export async function copyFromDeployment(url: string, key: string): Promise<LogCopy> {
  const [, baseUrl = "", tenant = ""] = urlGrammar.exec(url) ?? [];
  const client = createClient({ baseUrl, tenant, key, tries: 10 });
  const { keys } = await client.audit.keys();
  // Before the leaves, so that they reach as far.
  const heads = new Set<string>();
  const { size, checkpoint } = await client.audit.checkpoint();
  heads.add(checkpoint);
  for await (const published of each(client.audit.checkpoints, { limit: perPage }))
    heads.add(published.checkpoint);
  return {
    origin: originIn([...heads]),
    publicKeys: keys.map(({ publicKey }) => Uint8Array.fromBase64(publicKey)),
    heads: [...heads],
    entries: null,
    ...(await leavesOf(client, size)),
  };
}

async function leavesOf(client: Client, size: number): Promise<Pick<LogCopy, "leaves" | "rows" | "readAt">> {
  const leaves: Uint8Array<ArrayBuffer>[] = [];
  const rows = new Map<number, Row>();
  const readAt = Date.now();
  let cursor: string | undefined;
  for (let waited = 0; ; ) {
    const { data, nextCursor } = await client.audit.leaves({
      query: { limit: perPage, ...(cursor === undefined ? {} : { cursor }) },
    });
    for (const { index, hash, entry } of data) {
      if (hash !== null) leaves[index] = Uint8Array.fromBase64(hash);
      if (entry !== null) rows.set(index + 1, RowLine.parse(JSON.parse(entry)));
    }
    if (nextCursor !== null) {
      cursor = nextCursor;
      continue;
    }
    // A replica may be behind the head; what is missing for longer is missing.
    if (leaves.length >= size || waited >= waits) break;
    waited += 1;
    await setTimeout(waitMs);
  }
  // Between two pages some rows became leaves: those that the earlier page told without are of another time.
  const hole = Array.from<unknown>(leaves).indexOf(undefined);
  if (hole !== -1 && hole < size) throw new Error(`The deployment told no hash of leaf ${hole}.`);
  return { leaves: hole === -1 ? leaves : leaves.slice(0, hole), rows: [...rows.values()], readAt };
}
