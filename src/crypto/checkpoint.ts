import type { Hash } from "./merkle.ts";

/** https://c2sp.org/tlog-checkpoint: the head of a log at one size, as a signed note's text. */
export interface Checkpoint {
  /** Which log: `<host>/audit/<tenant>`. */
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
}

export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${root.toBase64()}\n`;
}

/** Null for what `checkpointText` would not say; lines of extensions are none of ours. */
export function parseCheckpoint(text: string): Checkpoint | null {
  const [, origin = "", size = "", base64 = ""] =
    /^([^\n]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n$/.exec(text) ?? [];
  if (!origin) return null;
  const root = rootFrom(base64);
  return root && Number.isSafeInteger(Number(size)) ? { origin, size: Number(size), root } : null;
}

/** The origin of a tenant's log, or the platform's, on this deployment. */
export function originOf(publicOrigin: string, ownerId: string): string {
  return `${new URL(publicOrigin).host}/audit/${ownerId}`;
}

function rootFrom(base64: string): Hash | null {
  try {
    return Uint8Array.fromBase64(base64, { lastChunkHandling: "strict" });
  } catch {
    return null;
  }
}
