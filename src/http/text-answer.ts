import { z } from "zod";

/** A page, a text or a document that a public operation answers as it is, instead of JSON of a shape. */
export class TextAnswer {
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(text: string, headers: Readonly<Record<string, string>> = {}) {
    this.text = text;
    this.headers = headers;
  }
}

const mediaTypes = new WeakMap<z.ZodType, string>();

/** `returns: textOf("text/html; charset=utf-8")`. */
export function textOf(mediaType: string) {
  const shape = z.instanceof(TextAnswer);
  mediaTypes.set(shape, mediaType);
  return shape;
}

/** The media type of a text answer; null for JSON. */
export function mediaTypeOf(returns: z.ZodType): string | null {
  return mediaTypes.get(returns) ?? null;
}
