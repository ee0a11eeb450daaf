import { z } from "zod";
import { visitEnds } from "#db/directory-tables.ts";
import { line, Timestamp, told, toldId } from "#http/fields.ts";
import { typeId } from "#lib/typeid.ts";

export const SupportSessionId = typeId("sps");

export const NewVisit = z
  .strictObject({
    tenantId: typeId("ten"),
    grantId: typeId("sgr").meta({ description: "Which the business told you." }),
    memberId: typeId("mbr")
      .optional()
      .meta({ description: "As far as whom; absent: the owner who gave the grant." }),
    reason: line(200).meta({
      description: "The business reads it.",
      examples: ["To see the invoice that came twice."],
    }),
    ticket: z
      .string()
      .max(64)
      .regex(/^[A-Za-z0-9][A-Za-z0-9._#/-]*$/, "is not the name of a ticket")
      .meta({ examples: ["HELP-4711"] }),
    minutes: z.int().min(1).max(60).default(30),
  })
  .meta({ id: "NewSupportVisit" });

const visit = {
  id: toldId("sps"),
  tenantId: toldId("ten"),
  grantId: toldId("sgr"),
  memberId: toldId("mbr"),
  ticket: told(64, "HELP-4711"),
  expiresAt: Timestamp,
};

export const Visit = z
  .object({ ...visit, endedAt: Timestamp.nullable(), endedBecause: z.enum(visitEnds).nullable() })
  .meta({ id: "SupportVisit" });

const token = z.string().meta({
  maxLength: 4096,
  pattern: "^[A-Za-z0-9_.-]+$",
  description: "A bearer token of the business (RFC 9068) with `act` (RFC 8693): it says who acts.",
});
const expiresInSeconds = z.int().meta({ examples: [300] });

export const BegunVisit = z
  .object({ ...visit, accessToken: token.nullable(), expiresInSeconds })
  .meta({ id: "BegunSupportVisit" });

export const VisitToken = z
  .object({ accessToken: token, expiresInSeconds })
  .meta({ id: "SupportVisitToken" });
