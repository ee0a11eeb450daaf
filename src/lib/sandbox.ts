const suffix = "-test";

/** No row says that a tenant is for trying things out; its slug does. */
export function isSandbox(slug: string): boolean {
  return slug.endsWith(suffix);
}

/** What the sandbox of this tenant is called. */
export function sandboxSlug(slug: string): string {
  return `${slug}${suffix}`;
}
