import { bundle, deploy } from "./deployment.ts";
import { load } from "./load.ts";
import { cpuMsOf } from "./process.ts";
import {
  bareBundle,
  bareCallsOf,
  callsOf,
  type Scenario,
  type Subject,
  seedBare,
  seedClients,
} from "./subjects.ts";

const scenario = (process.argv[2] ?? "write") as Scenario;
const rounds = Number(process.argv[3] ?? 4);
const names = process.argv.slice(4);
const script = await bundle();
function sub(text: string, from: string | RegExp, to: string) {
  const out = text.replace(from, to);
  if (out === text) throw new Error("no match " + from);
  return out;
}
const variants: Record<string, (t: string) => string> = {
  base: (t) => t,
  nocalls: (t) => sub(t, /function noteCall\(([^)]*)\) \{/, "function noteCall($1) { return;"),
  noqueue: (t) => sub(t, /function tellAfterwards\(([^)]*)\) \{/, "function tellAfterwards($1) { return;"),
  nousage: (t) => sub(t, /note\((\w+), at2?, isUse\) \{/, "note($1, at, isUse) { return;"),
  nolog: (t) => "console.info = () => {};\n" + t,
  nofirewall: (t) =>
    sub(t, /function assertOwnTenant\(([^)]*)\) \{/, "function assertOwnTenant($1) { return;"),
  nobookmark: (t) =>
    sub(t, /async function showBookmark\(([^)]*)\) \{/, "async function showBookmark($1) { return;"),
  nocaller: (t) =>
    sub(t, /async function sealedCaller\(([^)]*)\) \{/, "async function sealedCaller($1) { return null;"),
  noreplay: (t) =>
    sub(t, /async function replayKeyOf\(([^)]*)\) \{/, "async function replayKeyOf($1) { return null;"),
  norecord: (t) => sub(t, /function recordOf\(([^)]*)\) \{/, "function recordOf($1) { return null;"),
  nosearch: (t) => sub(t, /\n(\s*)search\(method, path\) \{/, "\n$1search(method, path) { const kk = method + path; const cc = (globalThis.__c ??= new Map()); const f = cc.get(kk); if (f) return f; const o = this.search2(method, path); cc.set(kk, o); return o; }\n$1search2(method, path) {"),
  nopolicyzod: (t) => sub(t, /EnterAnswer\.parse\(await ask/, "(await ask"),
  base2: (t) => t + "\n",
  nologdb: (t) => sub(t, /async function store\(([^)]*)\) \{/, "async function store($1) { return;"),
  noshield: (t) => sub(t, /async function shield\(c\) \{/, "async function shield(c) { return null;"),
  notransport: (t) =>
    sub(t, /function transportRefusal\(c\) \{/, "function transportRefusal(c) { return null;"),
  nofinish: (t) => sub(t, /function finish\(c, state\) \{/, "function finish(c, state) { return null;"),
  nozodreq: (t) => sub(t, /EnterRequest\.parse\(payload\)/, "payload"),
  norate: (t) => sub(t, /function showRate\(([^)]*)\) \{/, "function showRate($1) { return null;"),
  noetag: (t) => sub(t, /function entityTag\(([^)]*)\) \{/, "function entityTag($1) { return null;"),
};

import { readFileSync } from "node:fs";
const all = (n: string) =>
  n.startsWith("/")
    ? readFileSync(n, "utf8")
    : n.split("+").reduce((t, one) => (variants[one] ?? variants.base!)(t), script);
const subjects: Record<string, Subject> = {};
let firstClients: any, firstDep: any;
for (const n of names) {
  const d = await deploy(all(n));
  const clients = await seedClients(d);
  firstClients ??= clients;
  firstDep ??= d;
  subjects[n] = { deployment: d, calls: callsOf(clients) };
}
const bare = await deploy(await bareBundle());
await seedBare(firstDep, bare);
subjects.bare = { deployment: bare, calls: bareCallsOf(firstClients, Number(process.env.STATEMENTS ?? 14)) };
const sums: Record<string, { rps: number[]; cpu: number[] }> = {};
for (let r = -1; r < rounds; r++) for (const [n, s] of r % 2 ? Object.entries(subjects).reverse() : Object.entries(subjects)) {
    const before = await cpuMsOf(s.deployment.workerdPid);
    const res = await load(s.deployment.url, s.calls[scenario], {
      seconds: r < 0 ? 3 : 1.5,
      connections: 32,
    } as any);
    const cpu = (await cpuMsOf(s.deployment.workerdPid)) - before;
    if (r < 0) continue;
    (sums[n] ??= { rps: [], cpu: [] }).rps.push(res.requestsPerSecond);
    sums[n]!.cpu.push(cpu / res.latenciesMs.length);
  }
const med = (a: number[]) => a.toSorted((x, y) => x - y)[Math.floor(a.length / 2)]!;
const b = sums.bare!;
for (const [n, s] of Object.entries(sums))
  console.log(n, s.rps.map((x) => x.toFixed(0)).join(" "), "|", s.cpu.map((x) => x.toFixed(2)).join(" "));
for (const [n, s] of Object.entries(sums))
  console.log(
    n.padEnd(40),
    med(s.rps).toFixed(0) + "/s",
    "ratio",
    med(s.rps.map((x, i) => x / b.rps[i]!)).toFixed(3),
    "cpu",
    med(s.cpu).toFixed(3),
    "cpuratio",
    (med(b.cpu) / med(s.cpu)).toFixed(3),
  );
for (const s of Object.values(subjects)) await s.deployment.stop();
process.exit(0);
