import { z } from "zod";
import type { HeldKey } from "#lib/held-key.ts";
import { secondMs } from "#lib/time.ts";
import { fromUtf8 } from "#lib/utf8.ts";
import { boundedBody } from "./bounded-body.ts";
import { withDeadline } from "./deadline.ts";

const timeoutMs = 5 * secondMs;
const mostAnswerBytes = 64 * 1024;
const pathSegment = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, "is one segment of a path");

/** The KMS did not answer, or not as it should: nothing that it wraps can be opened until it does. */
export class KmsUnavailable extends Error {
  constructor(why: string, options?: ErrorOptions) {
    super(`The KMS of the key-encryption keys: ${why}`, options);
    this.name = "KmsUnavailable";
  }
}

const Entry = z.strictObject({
  /** Among those of KEYLINE_KEKS too: the highest of all wraps. */
  version: z.int().min(1).max(9999),
  /** Of the server, without a path. */
  address: z.string().refine(isHttpsOrigin, "is an https origin"),
  mount: pathSegment.default("transit"),
  key: pathSegment,
  namespace: z
    .string()
    .regex(/^[A-Za-z0-9/_-]{1,256}$/)
    .optional(),
});
export type KmsEntry = z.infer<typeof Entry>;

/** KEYLINE_KMS. @throws Error where it is not what it should be */
export function kmsEntries(text: string | undefined): KmsEntry[] {
  return z
    .array(Entry)
    .max(20)
    .parse(JSON.parse(text ?? "[]"));
}

function isHttpsOrigin(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.protocol === "https:" && url.origin === text;
}

const Encrypted = z.object({ data: z.object({ ciphertext: z.string().min(1).max(2000) }) });
const Decrypted = z.object({ data: z.object({ plaintext: z.base64() }) });

/**
 * A key of the transit engine of OpenBao or HashiCorp Vault, of a type that authenticates data besides (aes256-gcm96).
 * https://openbao.org/api-docs/secret/transit/
 */
export function transitKey({ address, mount, key, namespace }: KmsEntry, token: string): HeldKey {
  return {
    encrypt: async (plaintext, authenticated) => {
      const answer = await ask("encrypt", {
        plaintext: plaintext.toBase64(),
        associated_data: authenticated.toBase64(),
      });
      if (answer.status !== 200) throw new KmsUnavailable(`it answered ${answer.status} to encrypt`);
      return parsed(Encrypted, answer.text).data.ciphertext;
    },
    decrypt: async (ciphertext, authenticated) => {
      const answer = await ask("decrypt", { ciphertext, associated_data: authenticated.toBase64() });
      if (answer.status === 400 && isRefusedCiphertext(answer.text)) return null;
      if (answer.status !== 200) throw new KmsUnavailable(`it answered ${answer.status} to decrypt`);
      return Uint8Array.fromBase64(parsed(Decrypted, answer.text).data.plaintext);
    },
  };

  async function ask(what: "encrypt" | "decrypt", body: object): Promise<{ status: number; text: string }> {
    try {
      return await withDeadline(timeoutMs, async (signal) => {
        const answer = await fetch(`${address}/v1/${mount}/${what}/${key}`, {
          method: "POST",
          redirect: "manual",
          headers: {
            "Content-Type": "application/json",
            "X-Vault-Token": token,
            "X-Vault-Request": "true",
            ...(namespace ? { "X-Vault-Namespace": namespace } : {}),
          },
          body: JSON.stringify(body),
          signal,
        });
        return { status: answer.status, text: fromUtf8(await boundedBody(answer, mostAnswerBytes)) };
      });
    } catch (error) {
      throw new KmsUnavailable("it could not be asked", { cause: error });
    }
  }
}

// Of 400s only this one is about the ciphertext; a key that is missing or of another type is not its fault.
function isRefusedCiphertext(text: string): boolean {
  return /invalid ciphertext|unable to decrypt|message authentication failed/i.test(text);
}

// Never with the text: it holds a key.
function parsed<T>(schema: z.ZodType<T>, text: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new KmsUnavailable("its answer is not what its API says");
  }
}
