/**
 * At most `most` of the items, one of each group in turn, so that no group's many keep another's few waiting. Within a
 * group their order stays.
 */
export function inTurn<T>(items: readonly T[], groupOf: (item: T) => string, most: number): T[] {
  const taken = new Map<string, number>();
  const ranked = items.map((item) => {
    const group = groupOf(item);
    const rank = taken.get(group) ?? 0;
    taken.set(group, rank + 1);
    return { item, rank };
  });
  return ranked
    .toSorted((one, other) => one.rank - other.rank)
    .slice(0, most)
    .map(({ item }) => item);
}
