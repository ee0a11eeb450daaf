/**
 * A cell's archived calls: `<tenant>/<day>/<hour>-<part>.ndjson`, so that a tenant's are found and deleted by its prefix
 * and a name tells of nobody. The one place that names these objects.
 */
export type CallArchive = R2Bucket;

const mostAtOnce = 1_000;

/** Puts one part of an hour (RFC 3339, its start); an earlier one of the same number gives way. */
export async function putCalls(
  archive: CallArchive,
  tenantId: string,
  { hour, part }: { hour: string; part: number },
  lines: string,
): Promise<void> {
  const key = `${prefixOf(tenantId, hour)}${String(part).padStart(4, "0")}.ndjson`;
  await archive.put(key, lines, { httpMetadata: { contentType: "application/x-ndjson" } });
}

/** Deletes the hour's parts, a bounded number at once. @returns whether none is left */
export async function deleteCalls(archive: CallArchive, tenantId: string, hour: string): Promise<boolean> {
  const found = await archive.list({ prefix: prefixOf(tenantId, hour), limit: mostAtOnce });
  const keys = found.objects.map(({ key }) => key);
  if (keys.length > 0) await archive.delete(keys);
  return !found.truncated;
}

function prefixOf(tenantId: string, hour: string): string {
  const [day, time = ""] = hour.split("T");
  return `${tenantId}/${day}/${time.slice(0, 2)}-`;
}
