import type { TenantFiles } from "./tenant-files.ts";

export interface ArrivedPart {
  readonly partNumber: number;
  readonly etag: string;
}

/**
 * Puts the parts together. R2 forgets an upload once it is complete, so a second call looks for what the first one
 * made.
 * @returns false where R2 has other parts than these, and will not change its mind
 */
export async function completeUpload(
  files: TenantFiles,
  key: string,
  uploadId: string,
  parts: readonly ArrivedPart[],
): Promise<boolean> {
  try {
    await files.resumeMultipartUpload(key, uploadId).complete([...parts]);
    return true;
  } catch (error) {
    if ((await files.head(key)) !== null) return true;
    if (isFinal(error)) return false;
    throw error;
  }
}

/** Forgets the upload and its parts; one that is gone already is as wished. */
export async function abortUpload(files: TenantFiles, key: string, uploadId: string): Promise<void> {
  try {
    await files.resumeMultipartUpload(key, uploadId).abort();
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** R2 knows no such upload: it was aborted or completed. */
export function isGone(error: unknown): boolean {
  return codeOf(error) === 10024;
}

// EntityTooSmall, NoSuchUpload, InvalidPart, and parts of unequal size.
function isFinal(error: unknown): boolean {
  return [10011, 10024, 10025, 10048].includes(codeOf(error));
}

// R2's messages end in its error's number: `complete: The specified multipart upload does not exist. (10024)`.
function codeOf(error: unknown): number {
  return Number(/\((\d{5})\)\s*$/.exec(error instanceof Error ? error.message : "")?.[1]);
}
