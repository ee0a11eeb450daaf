import { z } from "zod";
import { writtenAs } from "./media.ts";

/**
 * What a stream is made of: an object of the tenant's bucket, and all that its headers say. A handler only describes
 * it; the door reads it and speaks of ranges and conditions.
 */
const StoredObject = z.object({
  /** Its key. */
  object: z.string(),
  size: z.int(),
  sha256: z.string(),
  /** RFC 3339. */
  modifiedAt: z.string(),
  contentType: z.string(),
  fileName: z.string(),
  disposition: z.enum(["inline", "attachment"]),
});
export type StoredObject = z.output<typeof StoredObject>;

/** `returns: stream("application/octet-stream", most)`, as the contract says it; each answer has its object's own type. */
export function stream(type: string, mostBytes: number) {
  return writtenAs(StoredObject.clone(), { kind: "bytes", type, mostBytes });
}

/** Which of the shapes it is was asked of isBytes; what a handler gives is parsed as any answer. */
export function storedObject(answer: unknown): StoredObject {
  return StoredObject.parse(answer);
}
