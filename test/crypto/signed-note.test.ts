import { beforeAll, expect, test } from "vitest";
import { importSigner, importVerifier, newEd25519Pair } from "#crypto/ed25519.ts";
import { type NoteKey, openNote, signNote, verifierText } from "#crypto/signed-note.ts";
import { utf8 } from "#lib/utf8.ts";

// golang.org/x/mod/sumdb/note's own example: another implementation's key, text and signature.
const theirs = {
  verifier: "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
  signer: "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz",
  text: "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
  signature:
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n",
};
const theirKey: NoteKey = {
  name: "PeterNeumann",
  publicKey: Uint8Array.fromBase64(theirs.verifier.split("+").slice(2).join("+")).slice(1),
};

let verifier: CryptoKey;

beforeAll(async () => {
  verifier = await importVerifier(theirKey.publicKey);
});

test("another implementation's note opens, and ours of the same text is the same to the byte", async () => {
  expect(await verifierText(theirKey)).toBe(theirs.verifier);
  const note = `${theirs.text}\n${theirs.signature}`;
  expect(await openNote(utf8(note), theirKey, verifier)).toBe(theirs.text);
  const seed = Uint8Array.fromBase64(theirs.signer.split("+").slice(4).join("+")).slice(1);
  const signer = await importSigner({ seed, publicKey: theirKey.publicKey });
  expect(await signNote(theirs.text, theirKey, signer)).toBe(note);
});

test("a note by a new key opens under that key alone, whoever else signed it", async () => {
  const pair = await newEd25519Pair();
  const key = { name: "log.example/ten_1", publicKey: pair.publicKey };
  const own = await importVerifier(pair.publicKey);
  const note = await signNote("log.example/ten_1\n3\nAAAA\n", key, await importSigner(pair));
  expect(await openNote(utf8(note), key, own)).toBe("log.example/ten_1\n3\nAAAA\n");
  expect(await openNote(utf8(note + theirs.signature), key, own)).toBe("log.example/ten_1\n3\nAAAA\n");
  expect(await openNote(utf8(note + theirs.signature), theirKey, verifier)).toBeNull();
  expect(await openNote(utf8(note), { ...key, name: "log.example/ten_2" }, own)).toBeNull();
});

const whole = `${theirs.text}\n${theirs.signature}`;
const unused: Record<string, string> = {
  "another text": whole.replace("answer", "question"),
  "no empty line": `${theirs.text}${theirs.signature}`,
  "no newline at the end": whole.slice(0, -1),
  "no signature": `${theirs.text}\n`,
  "a hyphen for the dash": whole.replace("\u2014", "-"),
  "two of the same key": whole + theirs.signature,
  "another key's id": whole.replace("x08go", "x08gp"),
  "a signature cut short": whole.replace("yBwJnAM=", "yBw="),
  "base64 that is spelled otherwise": whole.replace("nAM=", "nAN="),
  "a control character": whole.replace("cryptography", "crypto\u0007graphy"),
  "a carriage return": whole.replace("problem,\n", "problem,\r\n"),
  "a line behind that is no signature": `${whole}and more\n`,
  nothing: "",
  "more than a megabyte": `${"a".repeat(1_000_000)}\n\n${theirs.signature}`,
};

test.each(Object.entries(unused))("no note: %s", async (_, text) => {
  expect(await openNote(utf8(text), theirKey, verifier)).toBeNull();
});

test("bytes that are no text are no note", async () => {
  expect(await openNote(Uint8Array.of(0xff, ...utf8(whole)), theirKey, verifier)).toBeNull();
});

test("what a note cannot hold is not signed", async () => {
  const pair = await newEd25519Pair();
  const signer = await importSigner(pair);
  for (const name of ["", "a b", "a+b", "a\nb"])
    await expect(signNote("text\n", { name, publicKey: pair.publicKey }, signer)).rejects.toThrow(RangeError);
  for (const text of ["", "text", "te\u0000xt\n", "\ud800\n"])
    await expect(signNote(text, { name: "a", publicKey: pair.publicKey }, signer)).rejects.toThrow(
      RangeError,
    );
});
