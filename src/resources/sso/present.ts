import type { Row } from "#db/tenant-table.ts";
import { recordNameOf } from "#gate/sso-claims.ts";
import type { ssoConnections, ssoDomains } from "#gate/sso-tables.ts";

export type ConnectionRow = Row<typeof ssoConnections>;
export type DomainRow = Row<typeof ssoDomains>;

/** Without its secret, which the answer's shape would keep back as well. */
export function presentConnection({ clientSecret: _, ...row }: ConnectionRow) {
  return { ...row, allLocations: row.allLocations === 1, addsMembers: row.addsMembers === 1 };
}

export function presentDomain(row: DomainRow) {
  return {
    ...row,
    isEnforced: row.isEnforced === 1,
    recordName: recordNameOf(row.domain),
    recordValue: row.proof,
  };
}
