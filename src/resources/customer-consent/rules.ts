import { z } from "zod";

/** What can be shared, each field by itself. */
export const shareableFields = ["name", "email", "phone", "allergens", "needs"] as const;

export type ShareableField = (typeof shareableFields)[number];

const sensitiveFields: readonly ShareableField[] = ["allergens", "needs"];

/** A closed list, as it stands in the audit in plain. */
export const waysObtained = ["in-person", "by-phone", "in-writing", "online"] as const;

export function isSensitive(field: ShareableField): boolean {
  return sensitiveFields.includes(field);
}

const Stored = z.array(z.enum(shareableFields));

/** A consent's fields from how they are stored. */
export function fieldsOf({ fields }: { readonly fields: string }): ShareableField[] {
  return Stored.parse(JSON.parse(fields));
}

/** In one order and each once, whatever order they were asked in: two consents of the same fields are stored alike. */
export function storedFields(fields: readonly ShareableField[]): string {
  return JSON.stringify(common(shareableFields, fields));
}

/** The fields of both, in the order of the first. */
export function common(ours: readonly ShareableField[], theirs: readonly ShareableField[]): ShareableField[] {
  return ours.filter((field) => theirs.includes(field));
}
