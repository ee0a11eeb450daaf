import { type Reader, type SignedRequest, signatureFault } from "./aws-signature.ts";

// S3-compatible stores with object lock as the Worker under test meets them: a host of stores.test each, in Node, behind
// real fetches. A store takes what is signed, locked and summed, and nothing a second time; a test says by PUT /script
// how else it shall behave, and reads at /told what it holds and what it refused.

export const storesDomain = ".stores.test";

export interface StoreScript extends Omit<Reader, "nowMs"> {
  /** The store's clock; its machine's unless told. */
  readonly nowMs: number | null;
  /** The next so many requests are answered with this status. */
  readonly fail: { readonly times: number; readonly status: number };
  /** How long each answer lets wait. */
  readonly holdMs: number;
}

export interface StoredObject {
  readonly key: string;
  readonly base64: string;
  readonly retainedUntil: string;
}

export interface Told {
  /** In the order of their coming. */
  readonly objects: readonly StoredObject[];
  /** `<method> <S3's code>` of each refusal. */
  readonly refused: readonly string[];
  readonly asked: number;
}

interface Store {
  readonly objects: Map<string, StoredObject>;
  readonly refused: string[];
  asked: number;
  script: StoreScript;
}

const stores = new Map<string, Store>();

export async function storeServer(request: Request): Promise<Response> {
  const { host, pathname } = new URL(request.url);
  if (pathname === "/script") {
    const script = JSON.parse(await request.text());
    const known = stores.get(host);
    if (known) known.script = script;
    else stores.set(host, { objects: new Map(), refused: [], asked: 0, script });
    return new Response("ok");
  }
  const store = stores.get(host);
  if (!store) return new Response("no such store", { status: 404 });
  if (pathname === "/told") {
    const told: Told = { ...store, objects: [...store.objects.values()] };
    return Response.json(told);
  }
  const body = new Uint8Array(await request.arrayBuffer());
  const { method, url, headers } = request;
  return await answered(store, { method, url, headers: new Headers([...headers]), body }, pathname.slice(1));
}

async function answered(store: Store, request: SignedRequest, key: string): Promise<Response> {
  const { script } = store;
  store.asked += 1;
  if (script.holdMs > 0) await new Promise((resolve) => setTimeout(resolve, script.holdMs).unref());
  if (script.fail.times > 0) {
    store.script = { ...script, fail: { ...script.fail, times: script.fail.times - 1 } };
    return refusal(store, request, script.fail.status, "SlowDown");
  }
  const nowMs = script.nowMs ?? Date.now();
  const fault = await signatureFault(request, { ...script, nowMs });
  if (fault) return refusal(store, request, 403, fault);
  if (request.method === "DELETE") return refusal(store, request, 403, "AccessDenied");
  const lockFault = request.method === "PUT" ? await faultOfLock(request, nowMs) : null;
  if (lockFault) return refusal(store, request, 400, lockFault);
  // From here on nothing is waited for: of two that come at once one is the first.
  const held = store.objects.get(key);
  if (request.method === "GET" && held) return new Response(Buffer.from(held.base64, "base64"));
  if (request.method === "GET") return refusal(store, request, 404, "NoSuchKey");
  if (request.method !== "PUT") return refusal(store, request, 405, "MethodNotAllowed");
  if (held)
    return request.headers.get("if-none-match") === "*"
      ? refusal(store, request, 412, "PreconditionFailed")
      : refusal(store, request, 403, "AccessDenied");
  const retainedUntil = request.headers.get("x-amz-object-lock-retain-until-date") ?? "";
  store.objects.set(key, { key, base64: Buffer.from(request.body).toString("base64"), retainedUntil });
  return new Response(null, { status: 200 });
}

async function faultOfLock({ headers, body }: SignedRequest, nowMs: number): Promise<string | null> {
  if (headers.get("x-amz-object-lock-mode") !== "COMPLIANCE") return "InvalidRequest";
  const until = headers.get("x-amz-object-lock-retain-until-date") ?? "";
  if (!/^\d{4}-\d{2}-\d{2}T.*Z$/.test(until) || !(Date.parse(until) > nowMs)) return "InvalidArgument";
  // "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters."
  const digest = await crypto.subtle.digest("SHA-256", body);
  const isSummed = headers.get("x-amz-checksum-sha256") === Buffer.from(digest).toString("base64");
  return isSummed ? null : "InvalidRequest";
}

function refusal(store: Store, { method }: SignedRequest, status: number, code: string): Response {
  store.refused.push(`${method} ${code}`);
  return new Response(`<Error><Code>${code}</Code></Error>`, { status });
}
