import { z } from "zod";
import { guardUrl } from "#lib/url-guard.ts";
import { isLocalDevelopment } from "./destinations.ts";
import type { Env } from "./env.ts";
import { errorFields, log } from "./log.ts";

/** A store that gets copies of audit logs: one entry of the variable AUDIT_SINKS. */
export interface AuditSink {
  /** The operator's word for it. */
  readonly name: string;
  /** An origin; S3's API is below it, with the bucket as the first part of the path. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Empty, or ends in a slash. */
  readonly prefix: string;
  readonly retainDays: number;
  /** Whose logs: ids of cells, and `platform`. None goes where nobody named it. */
  readonly owners: readonly string[];
  /** Its name and where its objects lie: progress is kept by this, so that a store put in its place starts anew. */
  readonly place: string;
}

export interface SinkKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Why a sink has not got further. */
export const sinkFaults = [
  "without-keys",
  // Its keys are wrong, or may not do it.
  "refused",
  // Anything else of 4xx: no such bucket, no object lock there.
  "rejected",
  "redirected",
  // 5xx, or asked to come more slowly.
  "failing",
  "timed-out",
  "unreachable",
  "holds-something-else",
  // The log's own bucket lacks a file.
  "source-missing",
] as const;
export type SinkFault = (typeof sinkFaults)[number];

const owner = /^(platform|[a-z]{2,8}[0-9]{1,3})$/;
// S3 retains nothing for longer than a hundred years.
const mostDays = 36_500;

const Entry = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, "is a short name of a-z, 0-9 and dashes"),
  endpoint: z.string().max(255),
  region: z.string().regex(/^[a-z0-9-]{1,40}$/, "is a region's name"),
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "is a bucket's name"),
  prefix: z
    .string()
    .max(200)
    .regex(/^([A-Za-z0-9_-][A-Za-z0-9._-]*\/)*$/, "is empty, or folders that each end in a slash")
    .default(""),
  retainDays: z.int().min(1).max(mostDays),
  owners: z.array(z.string().regex(owner, "is a cell's id or `platform`")).min(1).max(100),
});

type Bindings = Pick<Env, "AUDIT_SINKS" | "PUBLIC_ORIGIN" | "WEBHOOKS_TO_LOCALHOST" | "CELLS">;

function entriesFor(env: Bindings) {
  const allowLocalhost = isLocalDevelopment(env);
  const known = new Set(["platform", ...env.CELLS.split(",").map((cell) => cell.trim().split(":")[0] ?? "")]);
  const Sink = Entry.refine(
    ({ endpoint }) => isOrigin(endpoint, allowLocalhost),
    "the endpoint is an https origin",
  ).refine(({ owners }) => owners.every((each) => known.has(each)), "an owner is no cell of CELLS");
  return z
    .array(Sink)
    .max(20)
    .refine((sinks) => areUnique(sinks.map(({ name }) => name)), "two have one name")
    .refine((sinks) => areUnique(sinks.map(bucketOf)), "two are one place");
}

function sinkOf(entry: z.output<typeof Entry>): AuditSink {
  const { origin } = new URL(entry.endpoint);
  return { ...entry, endpoint: origin, place: `${entry.name} ${bucketOf(entry)}` };
}

function bucketOf({ endpoint, bucket, prefix }: z.output<typeof Entry>): string {
  return `${URL.parse(endpoint)?.origin}/${bucket}/${prefix}`;
}

function isOrigin(text: string, allowLocalhost: boolean): boolean {
  const guarded = guardUrl(text, { allowLocalhost });
  return guarded.ok && guarded.url.pathname === "/" && guarded.url.search === "";
}

function areUnique(texts: readonly string[]): boolean {
  return new Set(texts).size === texts.length;
}

const mostTexts = 100;
const parsed = new Map<string, readonly AuditSink[]>();

/** The deployment's sinks, none unless configured. @throws Error where AUDIT_SINKS is malformed */
export function auditSinks(env: Bindings): readonly AuditSink[] {
  const text = env.AUDIT_SINKS ?? "[]";
  const key = [env.PUBLIC_ORIGIN, env.WEBHOOKS_TO_LOCALHOST, env.CELLS, text].join(" ");
  const known = parsed.get(key);
  if (known) return known;
  const result = entriesFor(env).safeParse(jsonOf(text));
  if (!result.success) throw new Error(`AUDIT_SINKS is malformed: ${z.prettifyError(result.error)}`);
  if (parsed.size >= mostTexts) parsed.clear();
  const sinks = result.data.map(sinkOf);
  parsed.set(key, sinks);
  return sinks;
}

/** Those that get this owner's logs; `ownerId` is a cell's id, or null for the platform's own. */
export function auditSinksFor(env: Bindings, ownerId: string | null): readonly AuditSink[] {
  return auditSinks(env).filter(({ owners }) => owners.includes(ownerId ?? "platform"));
}

/** Null where AUDIT_SINKS is malformed, which the log tells; for what shall go on all the same. */
export function knownSinksFor(env: Bindings, ownerId: string | null): readonly AuditSink[] | null {
  try {
    return auditSinksFor(env, ownerId);
  } catch (error) {
    log("error", "the sinks of audit logs are unknown", errorFields(error));
    return null;
  }
}

/** @throws Error where AUDIT_SINK_KEYS is malformed, or has none of this sink; it says nothing of what stands there */
export function sinkKeys(env: Pick<Env, "AUDIT_SINK_KEYS">, { name }: Pick<AuditSink, "name">): SinkKeys {
  const entries = (env.AUDIT_SINK_KEYS ?? "")
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "")
    .map((entry) => {
      const [, of = "", accessKeyId = "", secretAccessKey = ""] =
        /^([a-z][a-z0-9-]*):([^:\s]+):(\S+)$/.exec(entry) ?? [];
      if (!secretAccessKey)
        throw new Error(
          "AUDIT_SINK_KEYS is malformed: entries are <name>:<access key id>:<secret access key>",
        );
      return { of, keys: { accessKeyId, secretAccessKey } };
    });
  const found = entries.find(({ of }) => of === name);
  if (!found) throw new Error(`AUDIT_SINK_KEYS has no keys of the sink ${name}.`);
  return found.keys;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
