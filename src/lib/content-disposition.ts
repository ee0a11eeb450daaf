import { utf8 } from "./utf8.ts";

/**
 * `Content-Disposition` (RFC 6266): an ASCII name for old clients, and where that loses something the whole name by
 * RFC 8187. A name cannot leave its quotes, start a header or name a folder.
 */
export function contentDisposition(type: "inline" | "attachment", fileName: string): string {
  const plain = fileName.replaceAll(/[^ -~]/gu, "_").replaceAll(/["%/\\]/g, "_");
  const simple = `${type}; filename="${plain}"`;
  return plain === fileName ? simple : `${simple}; filename*=UTF-8''${extendedValue(fileName)}`;
}

// RFC 8187 section 3.2.1: attr-char stays, every other byte is percent-encoded.
function extendedValue(text: string): string {
  return Array.from(utf8(text), (byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9!#$&+.^_`|~-]/.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}
