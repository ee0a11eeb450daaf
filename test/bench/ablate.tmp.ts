import { bundle, deploy } from "./deployment.ts";
import { callsOf, seedClients, bareBundle, bareCallsOf, seedBare, type Subject, type Scenario } from "./subjects.ts";
import { load } from "./load.ts";
import { cpuMsOf } from "./process.ts";
const scenario = (process.argv[2] ?? "write") as Scenario;
const rounds = Number(process.argv[3] ?? 4);
const names = process.argv.slice(4);
const script = await bundle();
function sub(text: string, from: string | RegExp, to: string) { const out = text.replace(from, to); if (out === text) throw new Error("no match " + from); return out; }
const variants: Record<string, (t: string) => string> = {
  base: (t) => t,
  nocalls: (t) => sub(t, /function noteCall\(([^)]*)\) \{/, "function noteCall($1) { return;"),
  noqueue: (t) => sub(t, /function tellAfterwards\(([^)]*)\) \{/, "function tellAfterwards($1) { return;"),
  nousage: (t) => sub(t, /note\((\w+), at2?, isUse\) \{/, "note($1, at, isUse) { return;"),
  nolog: (t) => "console.info = () => {};\n" + t,
  nofirewall: (t) => sub(t, /function assertOwnTenant\(([^)]*)\) \{/, "function assertOwnTenant($1) { return;"),
  noshield: (t) => sub(t, /async function shield\(c\) \{/, "async function shield(c) { return null;"),
  notransport: (t) => sub(t, /function transportRefusal\(c\) \{/, "function transportRefusal(c) { return null;"),
  nofinish: (t) => sub(t, /function finish\(c, state\) \{/, "function finish(c, state) { return null;"),
  nozodreq: (t) => sub(t, /EnterRequest\.parse\(payload\)/, "payload"),
  norate: (t) => sub(t, /function showRate\(([^)]*)\) \{/, "function showRate($1) { return null;"),
  noetag: (t) => sub(t, /function entityTag\(([^)]*)\) \{/, "function entityTag($1) { return null;"),
};
const all = (n: string) => n.split("+").reduce((t, one) => (variants[one] ?? variants.base!)(t), script);
const subjects: Record<string, Subject> = {};
let firstClients: any, firstDep: any;
for (const n of names) {
  const d = await deploy(all(n));
  const clients = await seedClients(d);
  firstClients ??= clients; firstDep ??= d;
  subjects[n] = { deployment: d, calls: callsOf(clients) };
}
const bare = await deploy(await bareBundle());
await seedBare(firstDep, bare);
subjects.bare = { deployment: bare, calls: bareCallsOf(firstClients, Number(process.env.STATEMENTS ?? 14)) };
const sums: Record<string, { rps: number[]; cpu: number[] }> = {};
for (let r = -1; r < rounds; r++) for (const [n, s] of Object.entries(subjects)) {
  const before = await cpuMsOf(s.deployment.workerdPid);
  const res = await load(s.deployment.url, s.calls[scenario], { seconds: r < 0 ? 3 : 1.5, connections: 32 } as any);
  const cpu = (await cpuMsOf(s.deployment.workerdPid)) - before;
  if (r < 0) continue;
  (sums[n] ??= { rps: [], cpu: [] }).rps.push(res.requestsPerSecond);
  sums[n]!.cpu.push(cpu / res.latenciesMs.length);
}
const med = (a: number[]) => a.toSorted((x, y) => x - y)[Math.floor(a.length / 2)]!;
const b = sums.bare!;
for (const [n, s] of Object.entries(sums)) console.log(n.padEnd(40), med(s.rps).toFixed(0) + "/s", "ratio", med(s.rps.map((x, i) => x / b.rps[i]!)).toFixed(3), "cpu", med(s.cpu).toFixed(3), "cpuratio", (med(b.cpu) / med(s.cpu)).toFixed(3));
for (const s of Object.values(subjects)) await s.deployment.stop();
process.exit(0);
