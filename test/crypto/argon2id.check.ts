import assert from "node:assert/strict";
import { argon2Sync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

// Ours against OpenSSL's Argon2id, which Node has, both ways. Node would link a .wasm file as ECMAScript modules do;
// Workers give the Module, and so does this.
registerHooks({
  load(url, context, next) {
    if (!url.endsWith(".wasm")) return next(url, context);
    const bytes = readFileSync(fileURLToPath(url)).toString("base64");
    const source = `export default new WebAssembly.Module(Uint8Array.fromBase64("${bytes}"));`;
    return { format: "module", source, shortCircuit: true };
  },
});
const { hashPassword, verifyPassword } = await import("#crypto/argon2id.ts");

const now = Date.now();
const passwords = [
  "12 letters..",
  "correct horse battery staple",
  "zażółć gęślą jaźń",
  "🐎".repeat(128),
  ...Array.from({ length: 8 }, () => randomBytes(24).toString("base64")),
];

test("what is hashed here is what OpenSSL makes of the same parameters and salt", async () => {
  for (const password of passwords) {
    const phc = await hashPassword(password, now);
    const [, name, version, parameters, salt = "", tag = ""] = phc.split("$");
    assert.deepEqual([name, version, parameters], ["argon2id", "v=19", "m=19456,t=2,p=1"]);
    assert.equal(theirs(password, Buffer.from(salt, "base64")), tag);
  }
});

test("what OpenSSL hashed is verified here, and one bit more or less is not", async () => {
  for (const password of passwords) {
    const salt = randomBytes(16);
    const tag = theirs(password, salt);
    const verify = (text: string, wanted: string) =>
      verifyPassword(text, `$argon2id$v=19$m=19456,t=2,p=1$${unpadded(salt)}$${wanted}`, now);
    assert.deepEqual(await verify(password, tag), { isMatch: true, needsRehash: false });
    const flipped = Buffer.from(tag, "base64");
    flipped[31] = (flipped[31] ?? 0) ^ 1;
    for (const [text, wanted] of [
      [`${password}x`, tag],
      [password, unpadded(flipped)],
    ] as const)
      assert.deepEqual(await verify(text, wanted), { isMatch: false, needsRehash: false });
  }
});

function theirs(password: string, nonce: Buffer): string {
  const cost = { parallelism: 1, passes: 2, memory: 19_456, tagLength: 32 };
  return unpadded(
    argon2Sync("argon2id", { message: Buffer.from(password.normalize("NFKC")), nonce, ...cost }),
  );
}

function unpadded(bytes: Buffer): string {
  return bytes.toString("base64").replace(/=+$/, "");
}
