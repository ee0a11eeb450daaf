import type { z } from "zod";

/** How a body or an answer crosses the wire where it is not JSON of its shape. */
export type Media = Text | Bytes;

interface Text {
  readonly kind: "text";
  /** `text/html; charset=utf-8`. */
  readonly type: string;
}

interface Bytes {
  readonly kind: "bytes";
  // A range such as */* where each answer has a type of its own.
  readonly type: string;
  /** No more than these are taken in, or given out. */
  readonly mostBytes: number;
}

const known = new WeakMap<z.ZodType, Media>();

/** The same shape, of which the door, the contract and the client then know how it is written. */
export function writtenAs<T extends z.ZodType>(shape: T, media: Media): T {
  known.set(shape, media);
  return shape;
}

/** null for JSON, and where there is no body. */
export function mediaOf(shape: z.ZodType | undefined): Media | null {
  return (shape && known.get(shape)) ?? null;
}

/** Bytes are streamed: their answers have ranges and conditions, and of such bodies the size is known first. */
export function isBytes(shape: z.ZodType | undefined): boolean {
  return mediaOf(shape)?.kind === "bytes";
}
