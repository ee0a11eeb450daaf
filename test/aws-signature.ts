// AWS Signature Version 4 as its reader sees it, by Web Crypto alone: what the stand-in of a store holds requests to.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html

export interface SignedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

export interface Reader {
  /** Secrets by access key id. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly region: string;
  readonly nowMs: number;
}

const mostSkewMs = 15 * 60_000;
const grammar =
  /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/(\d{8})\/([^/,]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;

/** What S3 would call the fault of a request's signature, or null. */
export async function signatureFault(request: SignedRequest, reader: Reader): Promise<string | null> {
  const { headers } = request;
  const [, keyId = "", day = "", region = "", names = "", signature = ""] =
    grammar.exec(headers.get("authorization") ?? "") ?? [];
  const secret = reader.secrets[keyId];
  if (!signature) return "AuthorizationHeaderMalformed";
  if (secret === undefined) return "InvalidAccessKeyId";
  const at = headers.get("x-amz-date") ?? "";
  const atMs = Date.parse(at.replace(/^(....)(..)(..T..)(..)(..)Z$/, "$1-$2-$3:$4:$5Z"));
  if (!at.startsWith(day) || !(Math.abs(atMs - reader.nowMs) <= mostSkewMs)) return "RequestTimeTooSkewed";
  if (region !== reader.region) return "AuthorizationHeaderMalformed";
  const payload = hex(await crypto.subtle.digest("SHA-256", request.body));
  if (headers.get("x-amz-content-sha256") !== payload) return "XAmzContentSHA256Mismatch";
  const signed = names.split(";");
  // What says how an object is to be kept must not be changed on the way.
  const mustBeSigned = ["host", ...[...headers.keys()].filter((name) => name.startsWith("x-amz-"))];
  if (!mustBeSigned.every((name) => signed.includes(name))) return "AccessDenied";
  const canonical = canonicalRequest(request, signed, payload);
  const scope = `${day}/${region}/s3/aws4_request`;
  const digest = hex(await crypto.subtle.digest("SHA-256", bytes(canonical)));
  let key = bytes(`AWS4${secret}`);
  for (const part of [day, region, "s3", "aws4_request"]) key = await hmac(key, part);
  const expected = hex(await hmac(key, ["AWS4-HMAC-SHA256", at, scope, digest].join("\n")));
  return expected === signature ? null : "SignatureDoesNotMatch";
}

function canonicalRequest(
  { method, url, headers }: SignedRequest,
  signed: readonly string[],
  payload: string,
): string {
  const { pathname, searchParams, host } = new URL(url);
  const path = pathname
    .split("/")
    .map((part) => encoded(decodeURIComponent(part)))
    .join("/");
  const query = [...searchParams]
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .toSorted()
    .join("&");
  const headerOf = (name: string) => (name === "host" ? host : (headers.get(name) ?? ""));
  const lines = signed.map((name) => `${name}:${headerOf(name).trim().replaceAll(/ +/g, " ")}\n`);
  return [method, path, query, lines.join(""), signed.join(";"), payload].join("\n");
}

function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

async function hmac(key: Uint8Array<ArrayBuffer>, text: string): Promise<Uint8Array<ArrayBuffer>> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, bytes(text)));
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text));
}

function hex(data: ArrayBuffer | Uint8Array): string {
  return Array.from(new Uint8Array(data), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
