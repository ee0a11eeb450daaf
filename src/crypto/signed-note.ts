import { fromUtf8, utf8 } from "#lib/utf8.ts";
import { signEd25519, verifyEd25519 } from "./ed25519.ts";

// https://c2sp.org/signed-note: a text that ends in a newline, an empty line, and a line for each signature.

const ed25519 = 1;
const keyIdBytes = 4;
const mostSignatures = 100;
const mostCharacters = 1_000_000;
const signatureLine = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/u;

export interface NoteKey {
  /** The origin of the log: no white space and no plus sign. */
  readonly name: string;
  readonly publicKey: Uint8Array<ArrayBuffer>;
}

/** `name+id+key`, as it is published for those who verify. @throws RangeError for a name that a note cannot hold */
export async function verifierText(key: NoteKey): Promise<string> {
  const id = await keyIdOf(key);
  return `${key.name}+${id.toHex()}+${Uint8Array.of(ed25519, ...key.publicKey).toBase64()}`;
}

/** @throws RangeError for a text that is none of a note, or a name that it cannot hold */
export async function signNote(text: string, key: NoteKey, signer: CryptoKey): Promise<string> {
  if (!isText(text)) throw new RangeError("a note's text has printable lines and ends in a newline");
  const signature = await signEd25519(signer, utf8(text));
  const signed = Uint8Array.of(...(await keyIdOf(key)), ...signature).toBase64();
  return `${text}\n\u2014 ${key.name} ${signed}\n`;
}

/** The text of a note that this key has signed; null where it has not, whoever else has, or where it is no note. */
export async function openNote(note: Uint8Array, key: NoteKey, verifier: CryptoKey): Promise<string | null> {
  const parts = partsOf(note);
  if (!parts) return null;
  const id = (await keyIdOf(key)).toHex();
  const own = parts.signatures.filter(({ name, bytes }) => name === key.name && idIn(bytes) === id);
  // More than one of a key is for no reader to choose from.
  const [signature, another] = own;
  if (!signature || another) return null;
  const isSigned = await verifyEd25519(verifier, utf8(parts.text), signature.bytes.slice(keyIdBytes));
  return isSigned ? parts.text : null;
}

interface Signature {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

function partsOf(note: Uint8Array): { text: string; signatures: readonly Signature[] } | null {
  if (note.length > mostCharacters) return null;
  const whole = decoded(note);
  const end = whole?.lastIndexOf("\n\n") ?? -1;
  if (whole === null || end < 0 || !whole.endsWith("\n")) return null;
  const text = whole.slice(0, end + 1);
  const lines = whole.slice(end + 2, -1).split("\n");
  const signatures = lines.map(signatureOf).filter((each) => each !== null);
  if (!isText(text) || signatures.length !== lines.length || lines.length > mostSignatures) return null;
  return { text, signatures };
}

function signatureOf(line: string): Signature | null {
  const [, name, base64] = signatureLine.exec(line) ?? [];
  if (!name || !base64) return null;
  try {
    const bytes = Uint8Array.fromBase64(base64, { lastChunkHandling: "strict" });
    return bytes.length > keyIdBytes ? { name, bytes } : null;
  } catch {
    return null;
  }
}

function decoded(bytes: Uint8Array): string | null {
  try {
    return fromUtf8(bytes);
  } catch {
    return null;
  }
}

// No control character but the newlines.
function isText(text: string): boolean {
  return text.endsWith("\n") && text.isWellFormed() && !/(?!\n)\p{Cc}/u.test(text);
}

function idIn(bytes: Uint8Array): string {
  return bytes.slice(0, keyIdBytes).toHex();
}

async function keyIdOf({ name, publicKey }: NoteKey): Promise<Uint8Array> {
  if (!/^[^\s+\p{Cc}]+$/u.test(name))
    throw new RangeError("a key's name has no white space and no plus sign");
  const hashed = Uint8Array.of(...utf8(`${name}\n`), ed25519, ...publicKey);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", hashed)).slice(0, keyIdBytes);
}
