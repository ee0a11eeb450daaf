/** No row says that a tenant is for trying things out; its slug does. */
export function isSandbox(slug: string): boolean {
  return slug.endsWith("-test");
}
