import { bundle, deploy } from "./deployment.ts";
import { load } from "./load.ts";
import { callsOf, seedClients } from "./subjects.ts";

process.env.INSPECT = "9339";
const scenario = process.argv[2] as "gate" | "read" | "write";
const keyline = await deploy(await bundle(), { prelude: "console.info = () => {};", inspected: true });
const clients = await seedClients(keyline);
const calls = callsOf(clients);
await load(keyline.url, calls[scenario], { connections: 32, seconds: 3 });
const list = (await (await fetch("http://" + (await keyline.inspector()).host + "/json")).json()) as {
  webSocketDebuggerUrl: string;
  id: string;
}[];
console.log(list.map((l) => l.id));
const target = list.find((l) => l.id.includes("keyline")) ?? list[0];
const ws = new WebSocket(target!.webSocketDebuggerUrl);
await new Promise((r) => ws.addEventListener("open", r, { once: true }));
let id = 0;
const waiting = new Map<number, (v: any) => void>();
ws.addEventListener("message", (m) => {
  const d = JSON.parse(String(m.data));
  waiting.get(d.id)?.(d.result);
});
const send = (method: string, params = {}) =>
  new Promise<any>((r) => {
    waiting.set(++id, r);
    ws.send(JSON.stringify({ id, method, params }));
  });
await send("Profiler.enable");
await send("Profiler.setSamplingInterval", { interval: 200 });
await send("Profiler.start");
const out = await load(keyline.url, calls[scenario], { connections: 32, seconds: 8 });
const { profile } = await send("Profiler.stop");
const self = new Map<string, number>();
const nodes = new Map<number, any>(profile.nodes.map((n: any) => [n.id, n]));
const parent = new Map<number, number>();
for (const n of profile.nodes) for (const c of n.children ?? []) parent.set(c, n.id);
let total = 0;
const incl = new Map<string, number>();
profile.samples.forEach((s: number, i: number) => {
  const dt = profile.timeDeltas[i];
  const n = nodes.get(s);
  const key = (x: any) =>
    `${x.callFrame.functionName || "(anon)"} ${x.callFrame.url.split("/").pop()}:${x.callFrame.lineNumber}`;
  if (key(n).startsWith("(idle)")) return;
  total += dt;
  self.set(key(n), (self.get(key(n)) ?? 0) + dt);
  const seen = new Set<string>();
  for (let at: number | undefined = s; at !== undefined; at = parent.get(at)) {
    const k = key(nodes.get(at));
    if (!seen.has(k)) {
      seen.add(k);
      incl.set(k, (incl.get(k) ?? 0) + dt);
    }
  }
});
console.log(
  out.requestsPerSecond,
  "total ms",
  total / 1000,
  "per request us",
  total / out.latenciesMs.length,
);
const byUrl = new Map<string, number>();
for (const [k, v] of self) {
  const u = k
    .split(" ")
    .pop()!
    .replace(/:-?\d+$/, "");
  byUrl.set(u, (byUrl.get(u) ?? 0) + v);
}
console.log(
  "BYURL",
  [...byUrl]
    .sort((a, b) => b[1] - a[1])
    .slice(0, 8)
    .map(([k, v]) => `${k || "native"} ${(v / out.latenciesMs.length).toFixed(0)}us`)
    .join(", "),
);
const top = (m: Map<string, number>, n: number) =>
  [...m]
    .sort((a, b) => b[1] - a[1])
    .slice(0, n)
    .map(([k, v]) => `${((v / total) * 100).toFixed(1)}% ${k}`)
    .join("\n");
console.log("SELF\n" + top(self, 90));
console.log("INCL\n" + top(incl, 160));
await keyline.stop();
process.exit(0);
