type Fields = Readonly<Record<string, string | number | boolean | null>>;

/** One JSON line per fact. Fields hold ids, names of operations and counts; never personal data, paths or queries. */
export function log(level: "info" | "warn" | "error", message: string, fields: Fields = {}): void {
  console[level](JSON.stringify({ level, message, ...fields }));
}

/** An unexpected error as log fields: its name, message and stack stay inside. */
export function errorFields(error: unknown): Fields {
  if (!(error instanceof Error)) return { error: "not an Error" };
  return { error: error.name, detail: error.message, stack: error.stack ?? "" };
}
