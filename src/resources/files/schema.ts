import { z } from "zod";
import { line, stored } from "#http/fields.ts";
import { rawBody } from "#http/raw-body.ts";
import { knownMediaTypes } from "#lib/media-types.ts";
import { typeId } from "#lib/typeid.ts";
import { leastPartBytes, mostBytes, mostPartBytes, mostParts } from "./rules.ts";
import { fileStates, rejections } from "./table.ts";

export const FileId = typeId("fil");

export const File = z.object({
  id: z.string(),
  customerId: z.string(),
  orderId: z.string().nullable(),
  /** The same for all versions of a document. */
  documentId: z.string(),
  revision: z.int(),
  name: z.string(),
  mediaType: z.string(),
  state: z.enum(fileStates),
  size: z.int().nullable(),
  sha256: z.string().nullable(),
  /** Of an upload in parts: all are of this size but the last. */
  partSize: z.int().nullable(),
  rejection: z.enum(rejections).nullable(),
  uploadedAt: z.string().nullable(),
  deletedAt: z.string().nullable(),
  ...stored,
});

// A name goes into other people's file systems: no folders, and nothing that makes it read otherwise than it is.
const FileName = line(255)
  .refine((text) => !/[/\\]/.test(text) && !/^\.+$/.test(text), "names a folder")
  .refine(
    (text) => !/[\u202a-\u202e\u2066-\u2069]/.test(text),
    "has characters that turn the writing direction",
  );

const content = {
  mediaType: z.string().refine((type) => knownMediaTypes.includes(type), {
    error: "is not a media type whose content can be checked; application/octet-stream takes anything",
  }),
  size: z.int().min(1).max(mostBytes.enterprise).optional(),
  /** Hex; what arrives must have it. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "is not a SHA-256 in lower-case hex")
    .optional(),
};

export const NewFile = z
  .strictObject({
    name: FileName,
    ...content,
    customerId: typeId("cus").optional(),
    orderId: typeId("ord").optional(),
  })
  .refine(
    ({ customerId, orderId }) => customerId !== undefined || orderId !== undefined,
    "takes an orderId or a customerId",
  );
export type NewFile = z.output<typeof NewFile>;

/** An order of the same customer; null leaves the file to the customer alone. */
export const FilePatch = z.strictObject({ name: FileName.optional(), orderId: typeId("ord").nullish() });

export const NewVersion = z.strictObject({ name: FileName.optional(), ...content });

export const NewParts = z.strictObject({
  size: z.int().min(1).max(mostBytes.enterprise),
  /** Every part is of this size but the last, which is what is left. */
  partSize: z.int().min(leastPartBytes).max(mostPartBytes),
});

export const PartNumber = z
  .string()
  .regex(/^[1-9]\d{0,2}$/)
  .transform(Number)
  .refine((number) => number <= mostParts);

export const Part = z.object({
  fileId: z.string(),
  number: z.int(),
  size: z.int(),
  sha256: z.string(),
});

/** The bytes of a file or a part. A body may take half an hour: 53 KB/s at least for the largest. */
export const Bytes = rawBody({
  contentType: "application/octet-stream",
  mostBytes: mostPartBytes,
  withinSeconds: 1800,
});
