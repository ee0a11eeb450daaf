import { z } from "zod";
import { behindSeconds, publishedSpan, sinkProgress } from "#db/sink-progress.ts";
import { Timestamp, told, toldList } from "#http/fields.ts";
import { readOperation } from "#http/operation.ts";
import { Refusal } from "#http/outcome.ts";
import { sinkFaults } from "#platform/audit-sinks.ts";

const Size = z
  .int()
  .min(0)
  .meta({ examples: [1042] });

const AuditSink = z
  .object({
    name: told(32, "vault"),
    size: Size.meta({ description: "Everything under the head of this size is there." }),
    published: Size.meta({ description: "The size of the newest head that was published." }),
    behindSeconds: z
      .int()
      .min(0)
      .meta({
        description: "The age of the oldest head that is not there; 0 where none is lacking.",
        examples: [0],
      }),
    lastFault: z
      .enum(sinkFaults)
      .nullable()
      .meta({ description: "Why the last try brought it no further; null where it did." }),
    failingSince: Timestamp.nullable(),
  })
  .meta({ id: "AuditSink" });

export const sinks = readOperation({
  mount: "tenant",
  method: "get",
  path: "/audit/sinks",
  summary: "See how far the other stores are that get copies of the audit's log",
  can: "audit:read",
  store: "cell",
  returns: z.object({ data: toldList(AuditSink, 20) }).meta({ id: "AuditSinks" }),
  problems: ["unavailable"],
  async run({ tenant, auditLog, now }) {
    const { rows, span } = await tenant.read({ rows: sinkProgress(), span: publishedSpan() });
    const configured = auditLog.sinks();
    if (configured === null) return new Refusal("unavailable", { retryAfterSeconds: 60 }, []);
    return {
      data: configured.map(({ name, place }) => {
        // One that was configured lately may have no row yet: it lacks everything.
        const progress = rows.find(({ sink }) => sink === place);
        return {
          name,
          size: progress?.size ?? 0,
          published: span.size,
          behindSeconds: behindSeconds(progress ? progress.behindSince : span.oldest, now),
          lastFault: progress?.fault ?? null,
          failingSince: progress?.failedSince ?? null,
        };
      }),
    };
  },
});
