import { z } from "zod";
import { alertKindNames, severities } from "#db/alert-kinds.ts";
import { stored, Timestamp, told, toldId } from "#http/fields.ts";
import { typeId } from "#lib/typeid.ts";

export const AlertId = typeId("alr");

export const AlertKind = z.enum(alertKindNames).meta({
  description: "What happened (src/resources/alerts/README.md says what each means).",
  examples: ["new-country"],
});

export const Alert = z
  .object({
    id: toldId("alr"),
    kind: AlertKind,
    severity: z.enum(severities),
    subjectId: told(64, "key_01jd5r0t6vf3h8k2m4n6p8q0rs")
      .nullable()
      .meta({ description: "What or whom it is about; null: the business as a whole." }),
    count: z.int().meta({ description: "How often it happened, from `firstAt` to `lastAt`.", examples: [3] }),
    told: z.int().meta({
      description: "Of how many of these the owners were told; the others are summed up in the next notice.",
      examples: [3],
    }),
    firstAt: Timestamp,
    lastAt: Timestamp,
    toldAt: Timestamp.nullable(),
    acknowledgedAt: Timestamp.nullable(),
    acknowledgerId: told(64).nullable().meta({ description: "Who saw to it; null as long as nobody has." }),
    ...stored,
  })
  .meta({ id: "Alert" });
