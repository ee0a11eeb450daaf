import type { Delivered, Receiver } from "#test/simulation.ts";

/** Each try of an event goes wrong in another way, drawn by its id; after six it is taken at last. */
export function unreliable() {
  const processed = new Set<string>();
  const met = new Set<string>();
  const tries = new Map<string, number>();
  const ways: readonly [string, number, (keep: () => void) => ReturnType<Receiver>][] = [
    ["refuses", 10, () => new Response("no", { status: 500 })],
    [
      "redirects",
      5,
      () => new Response(null, { status: 302, headers: { Location: "https://elsewhere.example/" } }),
    ],
    ["unreachable", 5, () => "unreachable"],
    ["hangs", 1, () => "never"],
    ["garbage", 5, () => new Response(new Uint8Array(2000).fill(0xfe), { status: 599 })],
    ["slow", 1, after(() => ({ afterMs: 9_000, answer: new Response("slowly") }))],
    ["answer-lost", 3, after(() => "unreachable")],
  ];
  const take = ({ headers, body }: Delivered): ReturnType<Receiver> => {
    const id = headers.get("webhook-id") ?? "";
    const keep = () => void processed.add(JSON.parse(body).eventId);
    const nth = (tries.get(id) ?? 0) + 1;
    tries.set(id, nth);
    let drawn = hashOf(`${id} ${nth}`) % 100;
    for (const [name, share, way] of nth > 6 ? [] : ways) {
      drawn -= share;
      if (drawn >= 0) continue;
      met.add(name);
      return way(keep);
    }
    met.add("takes");
    keep();
    return new Response("thanks");
  };
  return { take, processed, met };
}

/** Takes the event, whatever it answers then. */
function after(answer: () => ReturnType<Receiver>) {
  return (keep: () => void): ReturnType<Receiver> => {
    keep();
    return answer();
  };
}

function hashOf(text: string): number {
  let hash = 2166136261;
  for (const character of text) hash = Math.imul(hash ^ character.charCodeAt(0), 16777619) >>> 0;
  return hash;
}
