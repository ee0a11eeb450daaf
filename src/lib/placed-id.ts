const suffix = "[0-7][0-9a-hjkmnp-tv-z]{25}";

/** A thing of a tenant's, and where it lies: what is named so is found with no look-up. */
export interface Placed {
  readonly cell: string;
  readonly tenantId: string;
  readonly id: string;
}

/** Names of the form `<prefix>_<cell>_<tenant>_<thing>`, for things whose own ids begin with `idPrefix`. */
export function placedIds(prefix: string, idPrefix: string) {
  const grammar = new RegExp(`^${prefix}_([a-z]{2,8}[0-9]{1,3})_(${suffix})_(${suffix})$`);
  return {
    make: ({ cell, tenantId, id }: Placed): string =>
      `${prefix}_${cell}_${tenantId.replace(/^ten_/, "")}_${id.slice(idPrefix.length + 1)}`,
    /** null for any other text. */
    parse(text: string): Placed | null {
      const [, cell, tenant, thing] = (text.length <= 100 && grammar.exec(text)) || [];
      if (!cell || !tenant || !thing) return null;
      return { cell, tenantId: `ten_${tenant}`, id: `${idPrefix}_${thing}` };
    },
  };
}
