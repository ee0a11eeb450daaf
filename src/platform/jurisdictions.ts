/**
 * The part of a namespace whose objects stay inside this jurisdiction. Local workerd has no jurisdictions and says so;
 * there, and only there, an object lies in the plain namespace.
 */
export function within<T extends Rpc.DurableObjectBranded>(
  namespace: DurableObjectNamespace<T>,
  jurisdiction: "eu" | null,
): DurableObjectNamespace<T> {
  if (jurisdiction === null) return namespace;
  try {
    return namespace.jurisdiction(jurisdiction);
  } catch (error) {
    if (error instanceof Error && error.message.includes("not implemented in workerd")) return namespace;
    throw error;
  }
}
