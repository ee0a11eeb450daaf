/** The ways in which a text or bytes may stand in a file: as they are, or as something has encoded them. */
export function spellings(secret: string | Buffer): { readonly name: string; readonly bytes: Buffer }[] {
  const bytes = Buffer.from(secret);
  return [
    { name: "it is", bytes },
    ...(typeof secret === "string" ? [{ name: "UTF-16", bytes: Buffer.from(secret, "utf16le") }] : []),
    { name: "hex", bytes: Buffer.from(bytes.toString("hex")) },
    { name: "HEX", bytes: Buffer.from(bytes.toString("hex").toUpperCase()) },
    ...[0, 1, 2].flatMap((shift) => [
      { name: `base64 at ${shift}`, bytes: Buffer.from(inner(bytes, shift, "base64")) },
      { name: `base64url at ${shift}`, bytes: Buffer.from(inner(bytes, shift, "base64url")) },
    ]),
  ];
}

// What base64 makes of the text inside a longer one depends on where it begins; its ends belong to its neighbours.
function inner(bytes: Buffer, shift: number, encoding: "base64" | "base64url"): string {
  const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
    .toString(encoding)
    .replace(/=+$/, "");
  return encoded.slice(shift === 0 ? 0 : shift + 1, -2);
}
