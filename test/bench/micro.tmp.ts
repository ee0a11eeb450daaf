import { writeFile } from "node:fs/promises";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { load } from "./load.ts";
import { childrenOf, cpuMsOf } from "./process.ts";

const policy = JSON.stringify("x".repeat(1600));
const code = `
import { DurableObject } from "cloudflare:workers";
export class Gate extends DurableObject {
  async ask(name) { return { name, admitted: true }; }
  async big(req) { return { v: 1, outcome: "admitted", policy: P, rate: { remaining: 1, resetSeconds: 2, retryAfterSeconds: 0 } }; }
  async bigS(req) { return "admitted 1 2 0 " + P; }
  async small(req) { return { v: 1, outcome: "admitted", policy: null, rate: { remaining: 1, resetSeconds: 2, retryAfterSeconds: 0 } }; }
  async smallS(req) { return "admitted 1 2 0"; }
}
const P = ${policy};
const H = {"Strict-Transport-Security": "max-age=63072000; includeSubDomains; preload",
  "X-Content-Type-Options": "nosniff",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store", "X-Request-Id": "req_aaaaaaaaaaaaaaaaaaaaaaaaaa", "X-Keyline-Cell": "us1", "Vary": "Origin", "RateLimit": "x;r=1;t=1", "RateLimit-Policy": "enterprise;q=1;w=60", "Content-Type": "application/json"};
export default { async fetch(request, env, ctx) {
  const url = new URL(request.url);
  const name = "k" + url.search.slice(1);
  const req = { v: 1, cell: "us1", principalId: name, tenantId: null, secretHash: "0123456789012345678901234567890123456789012", staleEpoch: null, recheck: false, address: "198.51.100.1" };
  const stub = env.GATES.getByName(name);
  switch (url.pathname) {
    case "/ask": return Response.json(await stub.ask(name));
    case "/big": { const r = await stub.big(req); return Response.json({ a: r.policy.length }); }
    case "/bigS": { const r = await stub.bigS(JSON.stringify(req)); return Response.json({ a: r.length }); }
    case "/small": { const r = await stub.small(req); return Response.json({ a: r.rate.remaining }); }
    case "/smallS": { const r = await stub.smallS(name); return Response.json({ a: r.length }); }
    case "/none": return Response.json({ a: 1 });
    case "/none1": return new Response('{"a":1}', { headers: H });
    case "/none2": { const r = new Response('{"a":1}'); for (const [k, v] of Object.entries(H)) r.headers.set(k, v); return r; }
    case "/log": console.info(JSON.stringify({level:"info",message:"request",requestId:"req_aaaaaaaaaaaaaaaaaaaaaaaaaa",operation:"x",cell:"us1",status:200,ms:3})); return Response.json({ a: 1 });
  }
} };`;
const before = await childrenOf(process.pid);
const mf = new Miniflare(
  convertV4MiniflareOptions({
    cf: false,
    log: new Log(LogLevel.NONE),
    workers: [
      {
        name: "m",
        compatibilityDate: "2026-10-23",
        modules: [{ type: "ESModule", path: "index.js", contents: code }],
        durableObjects: { GATES: { className: "Gate", useSQLite: true } },
      },
    ],
  } as any),
);
const url = await mf.ready;
const [pid] = (await childrenOf(process.pid)).filter((p) => !before.includes(p));
const paths = process.argv.slice(2);
const out: Record<string, number[]> = {};
for (let r = -1; r < 7; r++)
  for (const p of paths) {
    let i = 0;
    const b = await cpuMsOf(pid!);
    const res = await load(url, () => ({ method: "GET", path: `/${p}?${i++ % 64}`, headers: {} }) as any, {
      seconds: 1,
      connections: 32,
    } as any);
    const cpu = ((await cpuMsOf(pid!)) - b) / res.latenciesMs.length;
    if (r >= 0) (out[p] ??= []).push(cpu);
  }
for (const [p, v] of Object.entries(out))
  console.log(p.padEnd(10), v.toSorted((a, b) => a - b)[3]!.toFixed(4));
await mf.dispose();
process.exit(0);
