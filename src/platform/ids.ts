import { encodeBase32Number } from "#lib/base32.ts";
import { secondMs } from "#lib/time.ts";
import { systemNow } from "#platform/clock.ts";

// A clock that goes back by less is held to what it said before, so that later ids do not sort before earlier ones.
const mostBackMs = 10 * secondMs;
const counterEnd = 2 ** 26;
const words = new Uint32Array(192);
let unused = 0;
const last = { ms: -1, counter: 0, time: "" };

/**
 * A new TypeID, `cus_01j…`: a prefix and a UUIDv7 in base32, so ids of one kind sort by their time, and those that one
 * isolate makes by their turn (RFC 9562 section 6.2, method 1: a counter that starts anywhere). Made here, as the
 * libraries decode each id they have made once more, and a write makes some ten of them.
 */
export function newId(prefix: string): string {
  const [low, middle, high] = [chanceWord(), chanceWord(), chanceWord()];
  turn(systemNow(), high >>> 7);
  // 0b0111, 12 bits of the counter, 0b10, its other 14 bits, and 48 bits of chance.
  const [first, second] = [Math.floor(last.counter / 2 ** 14), last.counter % 2 ** 14];
  const versioned = 0x7 * 2 ** 36 + first * 2 ** 24 + 0x2 * 2 ** 22 + second * 2 ** 8 + (middle & 0xff);
  const chance = (middle >>> 24) * 2 ** 32 + low;
  return `${prefix}_${last.time}${encodeBase32Number(versioned, 8)}${encodeBase32Number(chance, 8)}`;
}

// To ask for chance costs as much as all the rest of an id, so it is asked for many at once; none is used twice.
function chanceWord(): number {
  if (unused === 0) {
    crypto.getRandomValues(words);
    unused = words.length;
  }
  unused -= 1;
  return words[unused] ?? 0;
}

function turn(now: number, start: number): void {
  const isAnother = now > last.ms || now < last.ms - mostBackMs;
  last.counter += 1;
  if (!isAnother && last.counter < counterEnd) return;
  last.ms = isAnother ? now : last.ms + 1;
  last.counter = start;
  last.time = encodeBase32Number(last.ms, 10);
}
