import { z } from "zod";
import type { TenantKeyRing } from "#crypto/key-ring.ts";
import { macOf, verifyMac } from "#crypto/mac.ts";
import { decodeBase64Url, encodeBase64Url } from "#lib/base64url.ts";
import { fromUtf8, utf8 } from "#lib/utf8.ts";
import { Refusal } from "./outcome.ts";

const cursorForm = "^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]{22}$";

export const Cursor = z.string().max(500).meta({
  description: "`nextCursor` of the page before, asked for with the same filter.",
  pattern: cursorForm,
});

/** The query of every list: `?limit=` 1 to 100, `?cursor=` as the page before gave it. */
export const pageQuery = {
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(100)
    .default(20)
    .meta({ description: "At most so many.", examples: [20] }),
  cursor: Cursor.optional(),
};

/** For `superRefine`: a list takes one of these filters at a time, as each has its own index; any more are named. */
export function oneFilterOf<N extends string>(...names: readonly N[]) {
  return (query: { readonly [K in N]?: unknown }, context: z.RefinementCtx): void => {
    const [, ...surplus] = names.filter((name) => query[name] !== undefined);
    const message = `is one filter too many: give one of ${names.join(", ")}`;
    for (const name of surplus) context.addIssue({ code: "custom", path: [name], message });
  };
}

/** `{ data, nextCursor }`; nextCursor is null on the last page. */
export function pageOf<T extends z.ZodType>(item: T) {
  const shape = z.object({
    data: z.array(item).meta({ maxItems: 100 }),
    nextCursor: z
      .string()
      .meta({ maxLength: 500, pattern: cursorForm })
      .nullable()
      .meta({ description: "Where the next page begins; null on the last.", examples: [null] }),
  });
  const id = item.meta()?.id;
  return id === undefined ? shape : shape.meta({ id: `${id}Page` });
}

/** Seek cursors of one tenant and operation: opaque, and worth nothing with another filter or for another tenant. */
export interface Cursors {
  /** The sort key after which to go on; null for the first page. */
  open(cursor: string | undefined, filter: object): Promise<string | null | Refusal>;
  /** The page from one row more than asked for. */
  page<Row, Item>(
    rows: readonly Row[],
    limit: number,
    filter: object,
    sortKey: (row: Row) => string,
    present: (row: Row) => Item,
  ): Promise<{ data: Item[]; nextCursor: string | null }>;
}

export function cursorsOf(ring: TenantKeyRing, tenantId: string, operation: string): Cursors {
  const bound = (after: string, filter: object) => JSON.stringify([tenantId, operation, filter, after]);
  return {
    async open(cursor, filter) {
      if (cursor === undefined) return null;
      const [text, mac] = cursor.split(".");
      const bytes = text === undefined ? null : decodeBase64Url(text);
      const after = bytes === null ? null : decoded(bytes);
      const genuine =
        after !== null &&
        mac !== undefined &&
        (await verifyMac(ring.indexKeys(), "cursor", bound(after, filter), mac));
      return genuine
        ? after
        : new Refusal(
            "invalid",
            { errors: [{ parameter: "cursor", detail: "is not a cursor of this list with this filter" }] },
            [],
          );
    },
    async page(rows, limit, filter, sortKey, present) {
      const shown = rows.slice(0, limit);
      const last = shown.at(-1);
      const more = rows.length > limit && last !== undefined;
      return { data: shown.map(present), nextCursor: more ? await sealed(sortKey(last), filter) : null };
    },
  };
  async function sealed(after: string, filter: object): Promise<string> {
    return `${encodeBase64Url(utf8(after))}.${await macOf(ring.indexKey(), "cursor", bound(after, filter))}`;
  }
}

function decoded(bytes: Uint8Array<ArrayBuffer>): string | null {
  try {
    return fromUtf8(bytes);
  } catch {
    return null;
  }
}
