import { derivedId } from "./derived-id.ts";

const suffix = "-test";

/** No row says that a tenant is for trying things out; its slug does. */
export function isSandbox(slug: string): boolean {
  return slug.endsWith(suffix);
}

/** What the sandbox of this tenant is called. */
export function sandboxSlug(slug: string): string {
  return `${slug}${suffix}`;
}

/**
 * The id that the sandbox of this tenant has and no other: it begins with the same time, and goes on with 80 bits of a hash.
 * So a tenant of that name that is somebody else's is never taken for it.
 */
export async function sandboxId(parentId: string): Promise<string> {
  return await derivedId(parentId.slice(0, parentId.indexOf("_") + 11), `sandbox of ${parentId}`);
}
