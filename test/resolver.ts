/**
 * What the stand-in for the resolver answers, by the name that is asked: `a-10-0-0-1-end.dns.example` has that address, and
 * `aaaa-fe80--1-end.dns.example` that one (dashes for colons). Every other name under .example is a public host.
 */
export function resolved(name: string, type: string, asked: number): { status: number; body: object } {
  const answer = (records: { type: number; data: string }[], Status = 0, more: object = {}) => ({
    status: 200,
    body: { Status, TC: false, ...more, Answer: records.map((record) => ({ name, TTL: 60, ...record })) },
  });
  const addresses = (ipv4: string[], ipv6: string[] = []) =>
    answer(type === "A" ? ipv4.map((data) => ({ type: 1, data })) : ipv6.map((data) => ({ type: 28, data })));
  const [first = ""] = name.split(".");
  const [, family, address = ""] = /^(a|aaaa)-(.+)-end$/.exec(first) ?? [];
  if (family === "a") return addresses([address.replaceAll("-", ".")]);
  if (family === "aaaa") return addresses([], [address.replaceAll("-", ":")]);
  switch (first.replace(/\d+$/, "")) {
    case "rebinding":
      return addresses([asked <= 2 ? publicIpv4 : "127.0.0.1"]);
    case "mixed":
      return addresses([publicIpv4, "127.0.0.1"]);
    case "mixed-families":
      return addresses([publicIpv4], ["::1"]);
    case "empty":
      return addresses([]);
    case "unknown":
      return answer([], 3);
    case "servfail":
      return answer([], 2);
    case "half-failing":
      return type === "A" ? addresses([publicIpv4]) : answer([], 2);
    case "truncated":
      return answer([{ type: 1, data: publicIpv4 }], 0, { TC: true });
    case "alias":
      return answer([
        { type: 5, data: "elsewhere.dns.example." },
        { type: 1, data: publicIpv4 },
      ]);
    case "private-alias":
      return answer([
        { type: 5, data: "localhost." },
        { type: 1, data: "127.0.0.1" },
      ]);
    case "garbage":
      return addresses(["not an address"]);
    case "broken":
      return { status: 200, body: ["nothing of a resolver"] };
    case "down":
      return { status: 503, body: {} };
    default:
      return addresses([publicIpv4], [publicIpv6]);
  }
}

const publicIpv4 = "93.184.215.14";
const publicIpv6 = "2606:2800:21f:cb07:6820:80da:af6b:8b2c";
