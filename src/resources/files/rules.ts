import type { Tier } from "#gate/tiers.ts";
import type { ProblemName } from "#http/problem.ts";
import { dayMs } from "#lib/time.ts";
import type { Flaw } from "#platform/streams.ts";
import type { FileState } from "./table.ts";

const MB = 1_000_000;

/** The largest file of each plan. */
export const mostBytes: Readonly<Record<Tier, number>> = {
  free: 50 * MB,
  pro: 2_000 * MB,
  enterprise: 5_000 * MB,
};

/** The platform takes bodies up to 100 MB, R2 parts from 5 MiB on. */
export const mostPartBytes = 95 * MB;
export const leastPartBytes = 5 * 1024 * 1024;
export const mostParts = 200;

/** How many files a tenant may have whose bytes have not arrived, so that sweeping them keeps nobody waiting. */
export const mostUnfinished = 1000;

/** What nobody finished goes after a day, what was deleted can be restored for a month. */
export const unfinishedKeptMs = dayMs;
export const deletedKeptMs = 30 * dayMs;

/** Each attempt at a file's bytes has a key of its own, so that no two can meet in one object. */
export function objectKey(tenantId: string, fileId: string, attemptId: string): string {
  return `${objectPrefix(tenantId, fileId)}${attemptId}`;
}

export function objectPrefix(tenantId: string, fileId: string): string {
  return `${tenantId}/${fileId}/`;
}

export interface InParts {
  readonly size: number;
  readonly partSize: number;
}

export function partCount({ size, partSize }: InParts): number {
  return Math.ceil(size / partSize);
}

/** The size that part `number` has to be of; null where there is no such part. */
export function sizeOfPart({ size, partSize }: InParts, number: number): number | null {
  const count = partCount({ size, partSize });
  if (number < 1 || number > count) return null;
  return number < count ? partSize : size - partSize * (count - 1);
}

/** The numbers of the parts that have not arrived. */
export function missingParts(whole: InParts, arrived: readonly { number: number; size: number }[]): number[] {
  const sizes = new Map(arrived.map(({ number, size }) => [number, size]));
  return Array.from({ length: partCount(whole) }, (_, index) => index + 1).filter(
    (number) => sizes.get(number) !== sizeOfPart(whole, number),
  );
}

interface Life {
  readonly state: FileState;
  readonly deletedAt: string | null;
}

/** Whether it still takes its bytes. */
export function isPending({ state, deletedAt }: Life): boolean {
  return state === "pending" && deletedAt === null;
}

export function isReady({ state, deletedAt }: Life): boolean {
  return state === "ready" && deletedAt === null;
}

export const problemOf: Readonly<Record<Flaw, ProblemName>> = {
  "media-type": "media-type-mismatch",
  sha256: "sha256-mismatch",
  broken: "upload-broken",
  "too-slow": "upload-too-slow",
};

/** What a browser may show in its own window. Not what can carry scripts: HTML, SVG and XML. */
const shown = [
  "application/pdf",
  "audio/mpeg",
  "audio/wav",
  "image/avif",
  "image/bmp",
  "image/gif",
  "image/jpeg",
  "image/png",
  "image/tiff",
  "image/webp",
  "text/plain",
  "video/mp4",
  "video/quicktime",
  "video/webm",
];

export type Disposition = "inline" | "attachment";

/** How a file is handed out: what may run scripts never as itself, whatever was asked for. */
export function handedOut(
  mediaType: string,
  wanted: Disposition,
): { contentType: string; disposition: Disposition } {
  const disposition = shown.includes(mediaType) ? wanted : "attachment";
  if (mediaType === "text/html" || mediaType === "application/xml")
    return { contentType: "application/octet-stream", disposition };
  return {
    contentType: mediaType.startsWith("text/") ? `${mediaType}; charset=utf-8` : mediaType,
    disposition,
  };
}
