// https://c2sp.org/tlog-tiles, log entries: each behind its length, two bytes in network order.

const lengthBytes = 2;
/** Of one entry. */
export const mostEntryBytes = 0xffff;

/** @throws RangeError for an entry that is longer than 65,535 bytes */
export function bundleOf(entries: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bundle = new Uint8Array(entries.reduce((sum, { length }) => sum + lengthBytes + length, 0));
  let at = 0;
  for (const entry of entries) {
    if (entry.length > mostEntryBytes) throw new RangeError("an entry is longer than its length can say");
    bundle.set([entry.length >> 8, entry.length & 0xff], at);
    bundle.set(entry, at + lengthBytes);
    at += lengthBytes + entry.length;
  }
  return bundle;
}

/** The entries of a bundle; null where its bytes do not end with an entry. */
export function entriesOf(bundle: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] | null {
  const entries: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < bundle.length; ) {
    const [high, low] = [bundle[at], bundle[at + 1]];
    if (high === undefined || low === undefined) return null;
    const end = at + lengthBytes + high * 256 + low;
    if (end > bundle.length) return null;
    entries.push(bundle.slice(at + lengthBytes, end));
    at = end;
  }
  return entries;
}
