import { z } from "zod";
import { kinds, purposes } from "./limits.ts";

// Payloads carry a version because old and new code coexist during a deploy.

/** Which of the limits an object is held to; its name says so too, and cannot be read back. */
const counted = { v: z.literal(1), purpose: z.enum(purposes), kind: z.enum(kinds) };

export const ReserveRequest = z.object({ ...counted, id: z.string() });

export const ReserveAnswer = z.discriminatedUnion("outcome", [
  z.object({ v: z.literal(1), outcome: z.literal("admitted") }),
  /** ms since 1970. */
  z.object({ v: z.literal(1), outcome: z.literal("refused"), until: z.number() }),
]);

export const SettleRequest = z.object({
  ...counted,
  id: z.string(),
  outcome: z.enum(["success", "failure", "released"]),
});

/** ms since 1970 where a lock began with it. */
export const SettleAnswer = z.object({ v: z.literal(1), lockedUntil: z.number().nullable() });

export const ClearRequest = z.object(counted);

/** Of an object that counts what one user asks for, which stores nothing. */
export const TakeRequest = z.object({ v: z.literal(1), sessionId: z.string() });

export const TakeAnswer = z.object({
  v: z.literal(1),
  by: z.enum(["session", "user"]),
  rate: z.object({ remaining: z.int(), resetSeconds: z.int(), retryAfterSeconds: z.int() }),
});

/** What an object stores, which its alarm has nothing but. */
export const Kept = z.object({
  ...counted,
  state: z.object({
    failures: z.int(),
    locks: z.int(),
    failedAt: z.number(),
    lockedUntil: z.number(),
    pending: z.array(z.object({ id: z.string(), at: z.number() })).readonly(),
  }),
});
export type Kept = z.output<typeof Kept>;
