import { type Change, insert } from "#db/changes.ts";
import { encodeHex } from "#lib/hex.ts";
import { timestamp } from "#lib/time.ts";
import { utf8 } from "#lib/utf8.ts";
import type { Cell } from "#platform/cells.ts";
import { newId } from "#platform/ids.ts";
import { tenantFiles } from "#platform/tenant-files.ts";
import { objectKey } from "#resources/files/rules.ts";
import { fileParts, files } from "#resources/files/table.ts";

const artwork = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 100"><rect width="300" height="100" fill="#06c"/></svg>`;

/** What a file's rows say of an object that is there. */
export interface Artwork {
  readonly fileId: string;
  readonly object: string;
  readonly size: number;
  readonly sha256: string;
  readonly etag: string;
}

/** Puts a piece of artwork into the tenant's bucket. */
export async function storeArtwork({ files }: Cell, tenantId: string): Promise<Artwork> {
  const fileId = newId("fil");
  const object = objectKey(tenantId, fileId, newId("att"));
  const stored = await tenantFiles(files, tenantId).put(object, artwork);
  if (!stored) throw new Error("The bucket did not take a seed's file.");
  const bytes = utf8(artwork);
  const sha256 = encodeHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
  return { fileId, object, size: bytes.length, sha256, etag: stored.etag };
}

/** As if it had been uploaded in one part for this order. */
export function artworkRows(
  { fileId, object, size, sha256, etag }: Artwork,
  order: { readonly id: string; readonly customerId: string },
  now: number,
): Change[] {
  const file = {
    id: fileId,
    customerId: order.customerId,
    orderId: order.id,
    documentId: newId("doc"),
    revision: 1,
    name: "Artwork.svg",
    mediaType: "image/svg+xml",
    state: "ready" as const,
    ...{ object, size, sha256 },
    uploadedAt: timestamp(now),
  };
  return [
    insert(files, file, now),
    insert(fileParts, { id: newId("fpt"), fileId, number: 1, size, sha256, etag }, now),
  ];
}
