const suffix = "[0-7][0-9a-hjkmnp-tv-z]{25}";
const grammar = new RegExp(`^kli_([a-z]{2,8}[0-9]{1,3})_(${suffix})_(${suffix})$`);

/** Where an OAuth client lies, and which it is. */
export interface ClientPlace {
  readonly cell: string;
  readonly tenantId: string;
  /** `cli_…`. */
  readonly id: string;
}

/** `kli_<cell>_<tenant>_<client>`: the client_id of the protocol, by which a client is found with no look-up. */
export function clientIdOf({ cell, tenantId, id }: ClientPlace): string {
  return `kli_${cell}_${tenantId.replace(/^ten_/, "")}_${id.replace(/^cli_/, "")}`;
}

/** null for any other text. */
export function parseClientId(text: string): ClientPlace | null {
  const [, cell, tenant, client] = (text.length <= 100 && grammar.exec(text)) || [];
  if (!cell || !tenant || !client) return null;
  return { cell, tenantId: `ten_${tenant}`, id: `cli_${client}` };
}
