import type { TenantKeyRing } from "#crypto/key-ring.ts";
import { macOf, verifyMac } from "#crypto/mac.ts";

// D1 bookmarks are hex groups of fixed width, so later ones sort after earlier ones.
const grammar = /^([0-9a-f]+(?:-[0-9a-f]+)*)~([A-Za-z0-9_-]{22})$/;

// A database stands where it stood until somebody writes: one mac serves all of a tenant's reads meanwhile.
const latest = new WeakMap<TenantKeyRing, { readonly bound: string; readonly mac: string }>();

/** `X-Keyline-Bookmark`: where the database stood, for this tenant's eyes and in this cell only. */
export async function bookmarkHeader(
  ring: TenantKeyRing,
  tenantId: string,
  cell: string,
  bookmark: string,
): Promise<string> {
  const bound = `${tenantId} ${cell} ${bookmark}`;
  const known = latest.get(ring);
  if (known?.bound === bound) return `${bookmark}~${known.mac}`;
  const mac = await macOf(ring.indexKey(), "bookmark", bound);
  latest.set(ring, { bound, mac });
  return `${bookmark}~${mac}`;
}

/** The bookmark a client brought back, or null where it is not one of ours for this tenant and cell. */
export async function bookmarkOf(
  ring: TenantKeyRing,
  tenantId: string,
  cell: string,
  header: string,
): Promise<string | null> {
  const [, bookmark, mac] = grammar.exec(header) ?? [];
  if (!bookmark || !mac) return null;
  return (await verifyMac(ring.indexKeys(), "bookmark", `${tenantId} ${cell} ${bookmark}`, mac))
    ? bookmark
    : null;
}

/** No read may be older than either: what the client has seen, and the rights it is let in with. */
export function laterBookmark(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return a > b ? a : b;
}
