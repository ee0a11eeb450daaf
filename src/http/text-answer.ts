import { z } from "zod";
import { writtenAs } from "./media.ts";

/** A page, a text or a document that a public operation answers as it is, instead of JSON of a shape. */
export class TextAnswer {
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(text: string, headers: Readonly<Record<string, string>> = {}) {
    this.text = text;
    this.headers = headers;
  }
}

/** `returns: textOf("text/html; charset=utf-8")`. */
export function textOf(mediaType: string) {
  return writtenAs(z.instanceof(TextAnswer), { kind: "text", type: mediaType });
}
