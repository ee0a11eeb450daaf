const encoder = new TextEncoder();
// A byte order mark is kept, so that decoding loses nothing.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Lone surrogates have no UTF-8 form and become U+FFFD. The cast holds because `encode` always allocates an
 * ArrayBuffer of its own; the Workers types do not say so.
 */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text) as Uint8Array<ArrayBuffer>;
}

/** Throws a TypeError on bytes that are not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
