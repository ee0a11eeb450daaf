import { z } from "zod";
import { payers } from "./budgets.ts";

// Payloads carry a version because old and new code coexist during a deploy.

/** Which of the budgets an object holds; its name says so too, and cannot be read back. */
const held = { v: z.literal(1), payer: z.enum(payers) };

export const TakeRequest = z.object({ ...held, id: z.string() });

export const TakeAnswer = z.discriminatedUnion("outcome", [
  z.object({ v: z.literal(1), outcome: z.literal("admitted") }),
  /** ms since 1970. */
  z.object({ v: z.literal(1), outcome: z.literal("refused"), until: z.number() }),
]);
export type TakeAnswer = z.output<typeof TakeAnswer>;

/** What an object stores, which its alarm has nothing but. */
export const Kept = z.object({
  ...held,
  spent: z.array(z.object({ id: z.string(), at: z.number() })).readonly(),
});
export type Kept = z.output<typeof Kept>;
