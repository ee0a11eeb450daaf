import type { Row } from "#db/tenant-table.ts";
import type { LinkPurpose, oneTimeLinks } from "#identity/tables.ts";
import { timestamp } from "#lib/time.ts";

type Link = Row<typeof oneTimeLinks>;

/** Is it there, for this, unused and in time. */
export function isOpenLink(link: Link | null, purpose: LinkPurpose, now: number): link is Link {
  return (
    link !== null && link.purpose === purpose && link.state === "unused" && link.expiresAt > timestamp(now)
  );
}
