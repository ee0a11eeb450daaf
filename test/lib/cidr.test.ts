import fc from "fast-check";
import { expect, test } from "vitest";
import { isBlockWithin, isWithin, networkOf, parseCidr } from "#lib/cidr.ts";

const groupsOf = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), {
  minLength: 8,
  maxLength: 8,
});
const ipv4Numbers = fc.bigInt({ min: 0n, max: (1n << 32n) - 1n });
const ipv6Numbers = groupsOf.map((groups) => groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n));
const isMappedNumber = (number: bigint) => number >> 32n === 0xffffn;

function ipv4Text(number: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((number >> shift) & 0xffn)).join(".");
}

function ipv6Text(number: bigint): string {
  const shifts = [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n];
  return shifts.map((shift) => ((number >> shift) & 0xffffn).toString(16)).join(":");
}

function network(number: bigint, prefix: number, width: number): bigint {
  const hostBits = BigInt(width - prefix);
  return (number >> hostBits) << hostBits;
}

test("a block holds exactly the addresses that share its prefix", () => {
  const families = [
    { width: 32, numbers: ipv4Numbers, text: ipv4Text },
    { width: 128, numbers: ipv6Numbers.filter((number) => !isMappedNumber(number)), text: ipv6Text },
  ];
  for (const { width, numbers, text } of families) {
    const cases = fc.record({
      base: numbers,
      prefix: fc.integer({ min: 0, max: width }),
      other: numbers,
      flipped: fc.integer({ min: 0, max: width - 1 }),
    });
    fc.assert(
      fc.property(cases, ({ base, prefix, other, flipped }) => {
        const block = `${text(network(base, prefix, width))}/${prefix}`;
        const neighbour = base ^ (1n << BigInt(width - 1 - flipped));
        expect(parseCidr(block)).not.toBeNull();
        expect(isWithin(text(base), [block])).toBe(true);
        expect(isWithin(text(other), [block])).toBe(
          network(other, prefix, width) === network(base, prefix, width),
        );
        if (!isMappedNumber(neighbour)) expect(isWithin(text(neighbour), [block])).toBe(flipped >= prefix);
      }),
    );
  }
});

test("bits beyond the prefix are refused, wherever they are", () => {
  fc.assert(
    fc.property(ipv4Numbers, fc.integer({ min: 0, max: 31 }), fc.nat(), (number, prefix, pick) => {
      const hostBit = 1n << BigInt(pick % (32 - prefix));
      expect(parseCidr(`${ipv4Text(network(number, prefix, 32) | hostBit)}/${prefix}`)).toBeNull();
    }),
  );
  fc.assert(
    fc.property(ipv6Numbers, fc.integer({ min: 0, max: 127 }), fc.nat(), (number, prefix, pick) => {
      const hostBit = 1n << BigInt(pick % (128 - prefix));
      expect(parseCidr(`${ipv6Text(network(number, prefix, 128) | hostBit)}/${prefix}`)).toBeNull();
    }),
  );
});

test("every spelling of an IPv6 address is the same address", () => {
  fc.assert(
    fc.property(ipv6Numbers, (number) => {
      const plain = ipv6Text(number);
      const canonical = new URL(`http://[${plain}]/`).hostname.slice(1, -1);
      const groups = plain.split(":");
      const padded = groups.map((group) => group.padStart(4, "0").toUpperCase()).join(":");
      const dotted = `${groups.slice(0, 6).join(":")}:${ipv4Text(number & 0xffffffffn)}`;
      for (const spelling of [plain, canonical, padded, dotted]) {
        expect(parseCidr(spelling)).toEqual(parseCidr(plain));
        expect(isWithin(spelling, [plain])).toBe(true);
        expect(isWithin(plain, [spelling])).toBe(true);
      }
    }),
  );
});

test("an IPv6 address parses exactly when WHATWG URL reads one", () => {
  const pieces = fc.constantFrom(
    ":",
    ":",
    ":",
    "::",
    "0",
    "1",
    "ab",
    "FFFF",
    "12345",
    "g",
    ".",
    "1.2.3.4",
    "01",
  );
  const texts = fc.array(pieces, { maxLength: 18 }).map((parts) => `:${parts.join("")}`);
  const likely = fc
    .tuple(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 8 }), fc.boolean(), fc.boolean())
    .map(([before, after, compressed, dotted]) => {
      const tail = [...new Array<string>(after).fill("b"), ...(dotted ? ["1.2.3.4"] : [])];
      return new Array<string>(before).fill("a").join(":") + (compressed ? "::" : ":") + tail.join(":");
    });
  fc.assert(
    fc.property(fc.oneof(texts, likely), (text) => {
      expect(parseCidr(text) !== null, text).toBe(URL.canParse(`http://[${text}]/`));
    }),
    { numRuns: 2000 },
  );
});

test("an IPv4-mapped IPv6 address is its IPv4 address, on both sides", () => {
  fc.assert(
    fc.property(ipv4Numbers, fc.integer({ min: 0, max: 32 }), (number, prefix) => {
      const plain = ipv4Text(number);
      const mapped = `::ffff:${plain}`;
      const hex = ipv6Text((0xffffn << 32n) | number);
      const base = ipv4Text(network(number, prefix, 32));
      for (const address of [plain, mapped, hex]) {
        expect(isWithin(address, [`${base}/${prefix}`])).toBe(true);
        expect(isWithin(address, [`::ffff:${base}/${prefix + 96}`])).toBe(true);
        expect(isWithin(address, [plain])).toBe(true);
        expect(isWithin(address, ["::/0"])).toBe(false);
      }
    }),
  );
});

test("a bare address is a block of one", () => {
  expect(parseCidr("192.0.2.7")).toEqual(parseCidr("192.0.2.7/32"));
  expect(parseCidr("2001:db8::7")).toEqual(parseCidr("2001:db8::7/128"));
  expect(isWithin("192.0.2.8", ["192.0.2.7"])).toBe(false);
});

test("one block of several is enough, and none holds nothing", () => {
  const list = ["10.0.0.0/8", "2001:db8::/32"];
  expect(isWithin("10.255.0.1", list)).toBe(true);
  expect(isWithin("2001:db8:ffff::1", list)).toBe(true);
  expect(isWithin("11.0.0.0", list)).toBe(false);
  expect(isWithin("2001:db9::", list)).toBe(false);
  expect(isWithin("10.0.0.1", [])).toBe(false);
});

test("the IPv4 of another family's block is not within it", () => {
  expect(isWithin("0.0.0.1", ["::/0"])).toBe(false);
  expect(isWithin("::1", ["0.0.0.0/0"])).toBe(false);
  expect(isWithin("::1.2.3.4", ["1.2.3.4"])).toBe(false);
});

test("an address that cannot be parsed is within nothing, and a malformed block holds nothing", () => {
  const everything = ["0.0.0.0/0", "::/0"];
  for (const address of ["", "1.2.3", "1.2.3.4/32", "localhost", "1.2.3.4 ", "[::1]", "fe80::1%eth0"]) {
    expect(isWithin(address, everything)).toBe(false);
  }
  expect(isWithin("10.0.0.1", ["10.0.0.1/8", "10.0.0.0/33", "", "10.0.0.0/"])).toBe(false);
});

test.each([
  "",
  "/",
  "/0",
  "1.2.3.4/",
  "1.2.3.4/33",
  "1.2.3.4/032",
  "1.2.3.4/+32",
  "1.2.3.4/-1",
  "1.2.3.4/3 2",
  "1.2.3.4/32/32",
  "1.2.3.4/255.255.255.255",
  "10.0.0.1/8",
  "01.2.3.4",
  "1.2.3.00",
  "1.2.3.256",
  "1.2.3",
  "1.2.3.4.5",
  "1.2.3.",
  "0x1.2.3.4",
  "1.2.3.4\n",
  "１.2.3.4",
  "16909060",
  "::/129",
  "::1/127",
  "::ffff:0:0/95",
  "::ffff:1.2.3.4/95",
  "::ffff:1.2.3.4/33",
  ":",
  ":::",
  "1::2::3",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "::1:2:3:4:5:6:7:8",
  "1:2:3:4::5:6:7:8",
  ":1::",
  "1::2:",
  "00001::",
  "g::",
  "1.2.3.4::",
  "::1.2.3.4:1",
  "::1.2.3",
  "::01.2.3.4",
  "1:2:3:4:5:6:7:1.2.3.4",
  "fe80::1%1",
  "[::1]",
  "::1\n",
])("%j is no block", (text) => {
  expect(parseCidr(text)).toBeNull();
});

test("whoever has one address of a network has all of it: an IPv4 address, or the /64 of an IPv6 one", () => {
  const networks: Readonly<Record<string, string | null>> = {
    "203.0.113.7": "203.0.113.7/32",
    "::ffff:203.0.113.7": "203.0.113.7/32",
    "::FFFF:cb00:7107": "203.0.113.7/32",
    "2001:db8:a:b:1:2:3:4": "2001:db8:a:b::/64",
    "2001:0DB8:000a:B:ffff:ffff:ffff:ffff": "2001:db8:a:b::/64",
    "2001:db8::1": "2001:db8:0:0::/64",
    "::1": "0:0:0:0::/64",
    "203.0.113.256": null,
    "203.0.113.7/32": null,
    "fe80::1%eth0": null,
    "": null,
  };
  for (const [address, network] of Object.entries(networks))
    expect(networkOf(address), address).toBe(network);
});

test("two addresses have the same network exactly where the blocks say so", () => {
  const numbers = ipv6Numbers.filter((number) => !isMappedNumber(number));
  fc.assert(
    fc.property(numbers, fc.nat(127), (number, bit) => {
      const neighbour = number ^ (1n << BigInt(bit));
      fc.pre(!isMappedNumber(neighbour));
      const isSame = networkOf(ipv6Text(number)) === networkOf(ipv6Text(neighbour));
      expect(isSame).toBe(bit < 64);
      expect(isSame).toBe(isWithin(ipv6Text(neighbour), [networkOf(ipv6Text(number)) ?? ""]));
    }),
  );
});

test("a block is within one that holds all of it, and within none of another family", () => {
  expect(isBlockWithin("203.0.113.0/25", ["192.0.2.0/24", "203.0.113.0/24"])).toBe(true);
  expect(isBlockWithin("203.0.113.0/24", ["203.0.113.0/24"])).toBe(true);
  expect(isBlockWithin("203.0.113.7", ["203.0.113.0/24"])).toBe(true);
  expect(isBlockWithin("203.0.113.0/23", ["203.0.113.0/24"])).toBe(false);
  expect(isBlockWithin("203.0.114.0/25", ["203.0.113.0/24"])).toBe(false);
  expect(isBlockWithin("0.0.0.0/0", ["::/0"])).toBe(false);
  expect(isBlockWithin("2001:db8::/48", ["2001:db8::/32"])).toBe(true);
  expect(isBlockWithin("nonsense", ["0.0.0.0/0", "::/0"])).toBe(false);
  expect(isBlockWithin("203.0.113.0/24", ["nonsense"])).toBe(false);
});
