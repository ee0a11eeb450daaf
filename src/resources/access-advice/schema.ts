import { z } from "zod";
import { Timestamp, told, toldId, toldList } from "#http/fields.ts";
import { typeId } from "#lib/typeid.ts";
import { windowDays } from "./rules.ts";

export const AdvisedId = typeId("mbr", "key", "cli").meta({
  description: "The id of a member, an API key or an OAuth client.",
});

const Use = z
  .object({
    capability: told(64, "orders:read"),
    lastUsedOn: z.string().meta({
      description: "The day, in UTC.",
      format: "date",
      maxLength: 10,
      examples: ["2026-11-22"],
    }),
  })
  .meta({ id: "CapabilityUse" });

export const AccessAdvice = z
  .object({
    principalId: toldId(),
    kind: z.enum(["member", "api-key", "client"]),
    summary: told(200, "used 3 of 14 in 30 days"),
    used: toldList(Use, 128).meta({
      description:
        "What it may do and was let do by calls, as the call log knows; by the capability that an operation asks for.",
    }),
    unused: toldList(told(64, "orders:write"), 128).meta({
      description: "What it may do as well, and did not: less could be enough.",
    }),
    since: Timestamp.nullable().meta({
      examples: ["2026-10-24T00:00:00.000Z"],
      description: `From when on this is known: ${windowDays} days ago, or when the principal was made, or when the log began to keep it. Null: nothing is known yet.`,
    }),
    isWholeWindow: z.boolean().meta({
      description: `Whether the answer covers all of ${windowDays} days. If not, what is unused may have been used before.`,
    }),
  })
  .meta({ id: "AccessAdvice" });
