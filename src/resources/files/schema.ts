import { z } from "zod";
import { line, personal, stored, Timestamp, told, toldId } from "#http/fields.ts";
import { rawBody } from "#http/raw-body.ts";
import { knownMediaTypes } from "#lib/media-types.ts";
import { typeId } from "#lib/typeid.ts";
import { leastPartBytes, mostBytes, mostPartBytes, mostParts } from "./rules.ts";
import { fileStates, rejections } from "./table.ts";

export const FileId = typeId("fil");

const sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const Size = z
  .int()
  .min(1)
  .meta({ description: "In bytes.", examples: [48_213] });
const ToldDigest = z.string().meta({
  description: "SHA-256 in hex.",
  maxLength: 64,
  pattern: "^[0-9a-f]{64}$",
  examples: [sha256],
});

export const File = z
  .object({
    id: toldId("fil"),
    customerId: toldId("cus"),
    orderId: toldId("ord").nullable(),
    documentId: toldId("doc").meta({ description: "The same for all versions of a document." }),
    revision: z
      .int()
      .min(1)
      .meta({ examples: [1] }),
    name: personal(told(255, "banner.pdf")),
    mediaType: told(100, "application/pdf"),
    state: z.enum(fileStates),
    size: Size.nullable(),
    sha256: ToldDigest.nullable(),
    partSize: Size.nullable().meta({
      description: "Of an upload in parts: all are of this size but the last.",
    }),
    rejection: z.enum(rejections).nullable().meta({ description: "Why the bytes were not taken." }),
    uploadedAt: Timestamp.nullable(),
    deletedAt: Timestamp.nullable(),
    ...stored,
  })
  .meta({
    id: "File",
    description: "Where the data of the customer it belongs to was destroyed, the name reads `[erased]`.",
  });

// A name goes into other people's file systems: no folders, and nothing that makes it read otherwise than it is.
const FileName = line(255)
  .refine((text) => !/[/\\]/.test(text) && !/^\.+$/.test(text), "names a folder")
  .meta({ pattern: "^[^\\u0000-\\u001F\\u007F-\\u009F\\u2028\\u2029/\\\\]*$", examples: ["banner.pdf"] });

const content = {
  mediaType: z
    .string()
    .max(100)
    .refine((type) => knownMediaTypes.includes(type), {
      error: "is not a media type whose content can be checked; application/octet-stream takes anything",
    })
    .meta({ pattern: "^[a-z]+/[a-z0-9.+-]+$", examples: ["application/pdf"] }),
  size: z
    .int()
    .min(1)
    .max(mostBytes.enterprise)
    .optional()
    .meta({ description: "In bytes; what arrives must be of it.", examples: [48_213] }),
  sha256: z
    .string()
    .max(64)
    .regex(/^[0-9a-f]{64}$/, "is not a SHA-256 in lower-case hex")
    .optional()
    .meta({ description: "In hex; what arrives must have it.", examples: [sha256] }),
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
  )
  .meta({ id: "NewFile", description: "Of a customer, or of an order and so of its customer." });
export type NewFile = z.output<typeof NewFile>;

/** An order of the same customer; null leaves the file to the customer alone. */
export const FilePatch = z
  .strictObject({ name: FileName.optional(), orderId: typeId("ord").nullish() })
  .meta({ id: "FilePatch" });

export const NewVersion = z
  .strictObject({ name: FileName.optional(), ...content })
  .meta({ id: "NewFileVersion" });

export const NewParts = z
  .strictObject({
    size: z
      .int()
      .min(1)
      .max(mostBytes.enterprise)
      .meta({ description: "Of the whole, in bytes.", examples: [209_715_200] }),
    partSize: z
      .int()
      .min(leastPartBytes)
      .max(mostPartBytes)
      .meta({
        description: "Every part is of this size but the last, which is what is left.",
        examples: [52_428_800],
      }),
  })
  .meta({ id: "NewParts" });

export const PartNumber = z
  .string()
  .max(3)
  .regex(/^[1-9]\d{0,2}$/)
  .transform(Number)
  .refine((number) => number <= mostParts);

export const Part = z
  .object({
    fileId: toldId("fil"),
    number: z
      .int()
      .min(1)
      .max(mostParts)
      .meta({ examples: [1] }),
    size: Size,
    sha256: ToldDigest,
  })
  .meta({ id: "FilePart" });

export const Parts = z
  .object({ data: z.array(Part).meta({ maxItems: mostParts }) })
  .meta({ id: "FileParts" });

/** The bytes of a file or a part. A body may take half an hour: 53 KB/s at least for the largest. */
export const Bytes = rawBody({
  contentType: "application/octet-stream",
  mostBytes: mostPartBytes,
  withinSeconds: 1800,
});
