import { z } from "zod";
import { nameable } from "#gate/support-roles.ts";
import { supportEnds } from "#gate/support-tables.ts";
import { Instant, line, stored, Timestamp, told, toldId, toldList } from "#http/fields.ts";
import { typeId } from "#lib/typeid.ts";

export const SupportGrantId = typeId("sgr");
export const SupportSessionId = typeId("sps");

export const NewSupportGrant = z
  .strictObject({
    reason: line(200).meta({ examples: ["Invoices of October come out twice."] }),
    capabilities: z
      .array(z.enum(nameable))
      .max(nameable.length)
      .default([])
      .meta({ description: "What may be done besides reading. Empty: nothing is changed." }),
    showsPersonalData: z
      .boolean()
      .default(false)
      .meta({ description: "False: names, addresses and all else of people's are masked." }),
    expiresAt: Instant.meta({ description: "At most 30 days away." }),
  })
  .meta({ id: "NewSupportGrant" });

export const SupportGrant = z
  .object({
    id: toldId("sgr"),
    ownerId: toldId("mbr").meta({ description: "Who gave it. It holds for as long as they are an owner." }),
    reason: told(200, "Invoices of October come out twice."),
    capabilities: toldList(told(64, "orders:write"), 128).meta({
      description: "What may be done besides reading.",
    }),
    showsPersonalData: z.boolean(),
    expiresAt: Timestamp,
    endedAt: Timestamp.nullable().meta({ description: "When it was ended before its time." }),
    ...stored,
  })
  .meta({ id: "SupportGrant" });

export const SupportSession = z
  .object({
    id: toldId("sps"),
    grantId: toldId("sgr"),
    agentId: toldId("agt"),
    agentName: told(200, "Grace Hopper"),
    memberId: toldId("mbr").meta({ description: "Whose rights and places bound it." }),
    reason: told(200, "To see the invoice that came twice."),
    ticket: told(64, "HELP-4711"),
    expiresAt: Timestamp,
    endedAt: Timestamp.nullable().meta({ description: "When it was ended before its time." }),
    endedBecause: z.enum(supportEnds).nullable().meta({ description: "By whom, or with what it ended." }),
    ...stored,
  })
  .meta({ id: "SupportSession" });
