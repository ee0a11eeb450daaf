/** From 0 to 1, by chance. */
export function chance(): number {
  const [drawn = 0] = crypto.getRandomValues(new Uint32Array(1));
  return drawn / 0xffffffff;
}
