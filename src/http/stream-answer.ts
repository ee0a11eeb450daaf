import { contentDisposition } from "#lib/content-disposition.ts";
import { type Selection, selectionOf } from "#lib/preconditions.ts";
import { tenantFiles } from "#platform/tenant-files.ts";
import { problemAnswer } from "./answers.ts";
import { type Run, showBookmark } from "./execute.ts";
import { respond } from "./respond.ts";
import { securityHeaders } from "./security-headers.ts";
import type { StoredObject } from "./stored-object.ts";

/** An object's bytes, the part of them that was asked for, or that the client has them already (RFC 9110). */
export async function streamAnswer(run: Run, stored: StoredObject): Promise<Response> {
  const { c } = run;
  await showBookmark(run);
  const entityTag = `"${stored.sha256}"`;
  const has = { entityTag, modifiedAt: Date.parse(stored.modifiedAt), size: stored.size };
  const selected = selectionOf(conditionsOf(run), has, run.now);
  if (selected.status === 412) return problemAnswer(c, "precondition-failed");
  const { headers } = c.get("state");
  headers.set("Accept-Ranges", "bytes");
  if (selected.status === 416) {
    headers.set("Content-Range", `bytes */${stored.size}`);
    return problemAnswer(c, "range-not-satisfiable");
  }
  headers.set("ETag", entityTag);
  headers.set("Last-Modified", new Date(stored.modifiedAt).toUTCString());
  if (selected.status === 304) return respond(c, 304, null);
  headers.set("Content-Disposition", contentDisposition(stored.disposition, stored.fileName));
  // Should a browser show it after all, it shows it as a page of nobody that may run nothing.
  headers.set("Content-Security-Policy", `${securityHeaders["Content-Security-Policy"]}; sandbox`);
  // An edge that compresses on the way would change length, ranges and the tag's strength (section 7.7).
  headers.set("Cache-Control", `${securityHeaders["Cache-Control"]}, no-transform`);
  return await content(run, stored, selected);
}

// Of a HEAD the range is no business (section 14.2).
function conditionsOf({ c }: Run) {
  const isHead = c.req.method === "HEAD";
  return {
    ifMatch: c.req.header("if-match"),
    ifUnmodifiedSince: c.req.header("if-unmodified-since"),
    ifNoneMatch: c.req.header("if-none-match"),
    ifModifiedSince: c.req.header("if-modified-since"),
    ifRange: c.req.header("if-range"),
    range: isHead ? undefined : c.req.header("range"),
  };
}

async function content(
  { c, caller }: Run,
  { object, size, contentType }: StoredObject,
  selected: Extract<Selection, { status: 200 | 206 }>,
): Promise<Response> {
  const { headers } = c.get("state");
  const range = selected.status === 206 ? selected.range : { offset: 0, length: size };
  if (selected.status === 206)
    headers.set("Content-Range", `bytes ${range.offset}-${range.offset + range.length - 1}/${size}`);
  const told = { "Content-Type": contentType, "Content-Length": String(range.length) };
  if (c.req.method === "HEAD") return respond(c, 200, null, told);
  const files = tenantFiles(caller.cell.files, caller.policy.tenantId);
  const found = await files.get(object, selected.status === 206 ? { range } : {});
  if (!found) throw new Error(`The bucket has no ${object}, which a row points to.`);
  return respond(c, selected.status, found.body, told);
}
