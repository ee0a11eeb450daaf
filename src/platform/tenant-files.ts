import type { Files } from "./cells.ts";

/** A bucket as one tenant's code sees it. */
export interface TenantFiles {
  head(key: string): Promise<R2Object | null>;
  get(key: string, options?: R2GetOptions): Promise<R2ObjectBody | null>;
  /** With `onlyIf`: null where the condition does not hold. */
  put(key: string, value: ReadableStream | string, options?: R2PutOptions): Promise<R2Object | null>;
  delete(keys: string | string[]): Promise<void>;
  list(options: { prefix: string; cursor?: string }): Promise<R2Objects>;
  createMultipartUpload(key: string): Promise<R2MultipartUpload>;
  resumeMultipartUpload(key: string, uploadId: string): R2MultipartUpload;
}

/** The one way to a tenant's objects: a key that does not start with the tenant's id is a defect of ours and throws. */
export function tenantFiles(files: Files, tenantId: string): TenantFiles {
  const own = (key: string) => {
    if (!key.startsWith(`${tenantId}/`)) throw new Error(`An object of another tenant was named: ${key}`);
    return key;
  };
  return {
    head: (key) => files.head(own(key)),
    get: (key, options) => files.get(own(key), options),
    put: (key, value, options) => files.put(own(key), value, options),
    delete: (keys) => files.delete(typeof keys === "string" ? own(keys) : keys.map(own)),
    list: ({ prefix, ...rest }) => files.list({ prefix: own(prefix), ...rest }),
    createMultipartUpload: (key) => files.createMultipartUpload(own(key)),
    resumeMultipartUpload: (key, uploadId) => files.resumeMultipartUpload(own(key), uploadId),
  };
}
