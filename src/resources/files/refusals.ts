import { sql } from "drizzle-orm";
import { type Guard, mustNotExist } from "#db/changes.ts";
import type { Principal } from "#http/operation.ts";
import { Refusal, refuse } from "#http/outcome.ts";
import type { FieldError } from "#http/problem.ts";
import type { FileRow } from "./lookup.ts";
import { mostBytes, mostUnfinished } from "./rules.ts";
import { files } from "./table.ts";

/** Refuses what the tenant's plan has no room for; `field` is where the size was told. */
export function planRefusal(
  { tier }: Principal,
  size: number | null,
  field: Omit<FieldError, "detail"> = { pointer: "/size" },
): Refusal | null {
  const most = mostBytes[tier];
  if (size === null || size <= most) return null;
  const detail = `is more than the ${most} bytes of the plan`;
  return new Refusal("file-exceeds-plan", { errors: [{ ...field, detail }] }, []);
}

/** What the client said before and what it sends now must agree. */
export function contradiction(
  file: FileRow,
  { size, sha256 }: { size: number; sha256: string | null },
): Refusal | null {
  if (file.size !== null && file.size !== size) return refuse("size-mismatch");
  if (file.sha256 !== null && sha256 !== null && file.sha256 !== sha256) return refuse("sha256-mismatch");
  return null;
}

/** Refuses one more unfinished file where the tenant has as many as it may: counted along their index, no further. */
export function unfinishedGuard({ tenantId }: Principal): Guard {
  const last = sql`(select ${files.id} from ${files} indexed by "files_unfinished" where ${files.tenantId} = ${tenantId} and ${files.uploadedAt} is null order by ${files.id} limit 1 offset ${sql.raw(String(mostUnfinished - 1))})`;
  return mustNotExist(files, sql`${files.id} = ${last}`, { problem: "files-unfinished" });
}
