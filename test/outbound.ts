import { createServer } from "node:net";
import { issuerServer, issuersDomain } from "./issuer-server.ts";
import { kmsHost, kmsServer } from "./kms-server.ts";
import { postmarkHost, postmarkServer } from "./postmark-server.ts";
import { pwnedHost, pwnedServer } from "./pwned-server.ts";
import { resolved } from "./resolver.ts";
import { isSignInHost, signInServer } from "./sign-in-server.ts";
import { storeServer, storesDomain } from "./store-server.ts";
import { twilioHost, twilioServer } from "./twilio-server.ts";
import { txtAnswer, zoneHost, zoneServer } from "./zone-server.ts";

// The world outside of the Worker under test, in Node: whatever it fetches comes here. A resolver, receivers under
// .example that do as their path says, and a real connection where the resolver leads to this machine, or for all else:
// what a guard lets through is seen to arrive.

const asked = new Map<string, number>();
const received: { url: string; headers: Record<string, string>; body: string }[] = [];
let connections = 0;

/** A listener on this machine alone, at the same port of both its addresses. No request may ever reach it. */
export async function loopbackListener(): Promise<number> {
  const port = await listenAt("127.0.0.1", 0);
  // Where the machine has no IPv6 nobody can reach it there.
  await listenAt("::1", port).catch(() => 0);
  return port;
}

async function listenAt(address: string, port: number): Promise<number> {
  const server = createServer((socket) => {
    connections += 1;
    socket.end("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret");
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, address, resolve));
  server.unref();
  const bound = server.address();
  return typeof bound === "object" && bound !== null ? bound.port : 0;
}

export async function outside(request: Request): Promise<Response> {
  const url = new URL(request.url);
  if (url.pathname === "/dns-query") return resolverAnswer(url);
  if (url.host === "outside.test") return Response.json({ connections, received });
  if (url.hostname === zoneHost) return await zoneServer(request);
  if (url.hostname === kmsHost) return await kmsServer(request);
  if (url.hostname === pwnedHost) return await pwnedServer(request);
  if (url.hostname === postmarkHost) return await postmarkServer(request);
  if (url.hostname === twilioHost) return await twilioServer(request);
  if (url.hostname.endsWith(issuersDomain)) return await issuerServer(request);
  if (url.hostname.endsWith(storesDomain)) return await storeServer(request);
  if (isSignInHost(url.hostname)) return await signInServer(request);
  if (!url.hostname.endsWith(".example")) return await throughTheNetwork(url);
  if (leadsHere(url.hostname))
    return await throughTheNetwork(new URL(`${url.protocol}//127.0.0.1:${url.port}/`));
  const body = await request.text();
  received.push({ url: request.url, headers: Object.fromEntries(request.headers), body });
  if (received.length > 1000) received.shift();
  return await receiverAnswer(url);
}

function resolverAnswer(url: URL): Response {
  const name = url.searchParams.get("name") ?? "";
  const type = url.searchParams.get("type") ?? "";
  if (type === "TXT") return Response.json(txtAnswer(name));
  const times = (asked.get(name) ?? 0) + 1;
  asked.set(name, times);
  const { status, body } = resolved(name, type, times);
  return Response.json(body, { status });
}

/** Whether one of the addresses that the resolver has for this name in the end is this machine's. */
function leadsHere(name: string): boolean {
  const records = ["A", "AAAA"].flatMap((type) =>
    recordsOf(resolved(name, type, Number.POSITIVE_INFINITY).body),
  );
  return records.some(({ data }) => isThisMachine(data));
}

function recordsOf(body: object): readonly { readonly data: string }[] {
  return "Answer" in body && Array.isArray(body.Answer) ? body.Answer : [];
}

/** In any spelling, as a connection would understand it: a URL's host is written in one way. */
function isThisMachine(address: string): boolean {
  const url = URL.parse(`http://${address.includes(":") ? `[${address}]` : address}/`);
  return url !== null && /^(127\.|0\.0\.0\.0$|\[::1?\]$|\[::ffff:(7f..:|0:0\]))/.test(url.hostname);
}

/** By path: `/status/503`, `/redirect?to=…`; anything else is taken. */
async function receiverAnswer(url: URL): Promise<Response> {
  const [, kind, argument] = url.pathname.split("/");
  switch (kind) {
    case "status":
      return new Response(`refused with ${argument}`, { status: Number(argument), headers: retryAfter(url) });
    case "redirect":
      return new Response(null, {
        status: 302,
        headers: { Location: url.searchParams.get("to") ?? "/" },
      });
    default:
      return new Response("thanks");
  }
}

function retryAfter(url: URL): Record<string, string> {
  const seconds = url.searchParams.get("retry-after");
  return seconds === null ? {} : { "Retry-After": seconds };
}

async function throughTheNetwork(url: URL): Promise<Response> {
  try {
    return await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(1000) });
  } catch {
    return new Response("nobody is there", { status: 502 });
  }
}
