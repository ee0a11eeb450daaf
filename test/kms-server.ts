import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { z } from "zod";

// The transit engine of OpenBao as the Worker under test meets it: kms.test, in Node, behind real fetches, with its own
// AES-256-GCM. It answers as https://openbao.org/api-docs/secret/transit/ says. A test reads at /asked what it was
// asked, and says by PUT /script how it is to fail.

export const kmsHost = "kms.test";
export const kmsToken = "hvs.of-the-tests";

const keys = new Map([
  ["keyline", randomBytes(32)],
  ["other", randomBytes(32)],
]);
let asked: { path: string; namespace: string | null; body: Record<string, string> }[] = [];
type Failure = { status: number; body: string } | { lies: "text" | "other key" };
let failsWith: Failure | null = null;

const Encrypt = z.strictObject({ plaintext: z.base64(), associated_data: z.base64() });
const Decrypt = z.strictObject({ ciphertext: z.string(), associated_data: z.base64() });

export async function kmsServer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/script") {
    failsWith = JSON.parse(await request.text());
    asked = [];
    return new Response("ok");
  }
  if (pathname === "/asked") return Response.json(asked);
  const body = JSON.parse(await request.text());
  asked.push({ path: pathname, namespace: request.headers.get("x-vault-namespace"), body });
  if (failsWith && "status" in failsWith) return new Response(failsWith.body, { status: failsWith.status });
  if (request.headers.get("x-vault-token") !== kmsToken) return refused(403, "permission denied");
  const [, action, name = ""] = /^\/v1\/transit\/(encrypt|decrypt)\/([a-z]+)$/.exec(pathname) ?? [];
  const key = keys.get(name);
  if (request.method !== "POST" || !action) return refused(404, "no handler for route");
  if (!key) return refused(400, "encryption key not found");
  if (action === "decrypt") return decrypted(key, Decrypt.parse(body));
  const asks = Encrypt.parse(body);
  if (!failsWith) return encrypted(key, asks);
  if (failsWith.lies === "text") return Response.json({ data: { ciphertext: "vault:v1:AAAA" } });
  return encrypted(key, { ...asks, plaintext: randomBytes(32).toString("base64") });
}

function encrypted(key: Buffer, { plaintext, associated_data }: z.output<typeof Encrypt>): Response {
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(associated_data, "base64"));
  const bytes = [iv, cipher.update(plaintext, "base64"), cipher.final()];
  const text = Buffer.concat([...bytes, cipher.getAuthTag()]).toString("base64");
  return Response.json({ request_id: "r", data: { ciphertext: `vault:v1:${text}`, key_version: 1 } });
}

function decrypted(key: Buffer, { ciphertext, associated_data }: z.output<typeof Decrypt>): Response {
  const bytes = Buffer.from(ciphertext.replace(/^vault:v1:/, ""), "base64");
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12))
      .setAAD(Buffer.from(associated_data, "base64"))
      .setAuthTag(bytes.subarray(-16));
    const plaintext = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
    return Response.json({ request_id: "r", data: { plaintext: plaintext.toString("base64") } });
  } catch {
    return refused(400, "invalid ciphertext: unable to decrypt");
  }
}

function refused(status: number, why: string): Response {
  return Response.json({ errors: [why] }, { status });
}
