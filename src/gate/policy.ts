import { z } from "zod";
import { quickParse } from "#lib/quick-parse.ts";
import { type CapabilityMask, parseMask } from "./capabilities.ts";

const Mask = z.string().transform((text, context): CapabilityMask => {
  const mask = parseMask(text);
  if (mask) return mask;
  context.addIssue({ code: "custom", message: "not a mask" });
  return z.NEVER;
});

const OwnLimit = z.object({
  perMinute: z.int(),
  burst: z.int(),
  /** ms since 1970: from then on the sold rate holds. */
  untilMs: z.number(),
  /** False where the operator set it, who may let a key do more than its plan sells. */
  isWithinPlan: z.boolean(),
});
export type OwnLimit = z.infer<typeof OwnLimit>;

const Support = z.object({
  agentId: z.string(),
  grantId: z.string(),
  /** Whose rights and places bound it. */
  memberId: z.string(),
  showsPersonalData: z.boolean(),
});

const WrappedKey = z.object({ id: z.string(), wrapped: z.string() });

/** What a principal may do, as the cell said at `epoch`. */
export const Policy = z.object({
  tenantId: z.string(),
  slug: z.string(),
  state: z.enum(["active", "frozen", "closing"]),
  epoch: z.int(),
  tier: z.enum(["free", "pro", "enterprise"]),
  capabilities: Mask,
  locations: z.array(z.string()).nullable(),
  assigneeId: z.string().nullable(),
  currency: z.string(),
  /** Of the tenant: the pages of no other may use it. */
  origins: z.array(z.string()),
  /** Of the client; empty where it may be used from all of the tenant's. A gate of the former version says nothing. */
  clientOrigins: z.array(z.string()).default([]),
  ipAllowList: z.array(z.string()),
  /** Of the tenant, for all of its people and programs; empty: from anywhere. */
  tenantIpAllowList: z.array(z.string()).default([]),
  /** ms since 1970; null where it does not expire. */
  expiresAt: z.number().nullable(),
  /** Keys only: when it is let in for the last time, for whatever reason. A gate of before knows of its date alone. */
  endsAt: z.number().nullable().default(null),
  /** Keys only: when it retires, where it has a successor. */
  retiresAt: z.number().nullable().default(null),
  /** Of a key, and of a client that has a secret: what HMAC(pepper, secret) must be. */
  secretHash: z.string().nullable(),
  /** Of a client alone: how it may get tokens (RFC 6749), which are as good as its secret here; null for all others. */
  grantTypes: z.array(z.string()).nullable().default(null),
  /** Members only: the rows by which outside issuers vouch for them. A gate of before does not know of any. */
  outsideMembers: z.array(z.string()).default([]),
  /** What tokens of members and clients were made in, where that ended while they may live. */
  endedSessions: z.array(z.string()).default([]),
  /** Where more ended than are named: none of their tokens of before is taken (ms since 1970). */
  tokensFromMs: z.number().nullable().default(null),
  /** Members only: their tenant asks them for a second factor. */
  asksForFactor: z.boolean().default(false),
  /** Of a key that is held to another rate than its plan sells. A gate of before knows of none. */
  ownLimit: OwnLimit.nullable().default(null),
  /** Of a support agent's session. A gate of before knows of none. */
  support: Support.nullable().default(null),
  tenantKeys: z.array(WrappedKey),
  /** Of the principal; of a support agent's session, of the agent. */
  subjectKey: WrappedKey.nullable(),
  /** Where the cell stood when this was read: no replica older than it may answer. */
  bookmark: z.string().nullable(),
});
export type Policy = z.infer<typeof Policy>;

/** Payloads carry a version because old and new code coexist during a deploy. */
export const EnterRequest = z.object({
  v: z.literal(1),
  cell: z.string(),
  principalId: z.string(),
  /** Known for members, from their token; a key's gate looks it up. */
  tenantId: z.string().nullable(),
  secretHash: z.string().nullable(),
  /** A client that says who it is and brings nothing to prove it, as those do that have no secret. */
  isBare: z.boolean().default(false),
  /** Set when a request that was let in already asks again: the epoch its rights turned out to be too old for. */
  staleEpoch: z.int().nullable(),
  /** True where the rights said no and touched no data: they are read anew unless that was done a moment ago. */
  recheck: z.boolean().default(false),
  /** Where the request came from; null where that is not known. */
  address: z.string().nullable().default(null),
  /** City and country of that address, as the platform guesses them. */
  place: z.string().nullable().default(null),
  /** Its country and where in it, to tenths of degrees north and east: `NL 52.4 4.9`, or `NL` alone. */
  spot: z.string().nullable().default(null),
  /** Taken from the bucket of its own that expensive operations have. A Worker of before has none such. */
  isExpensive: z.boolean().default(false),
  /** The policyId of the rights that whoever asks still has at hand. */
  knownPolicyId: z.string().nullable().default(null),
});
export type EnterRequest = z.infer<typeof EnterRequest>;
export const enterRequestFrom = quickParse(EnterRequest);

const ShownLimit = z.object({ name: z.string(), perMinute: z.int(), burst: z.int() });
export type ShownLimit = z.infer<typeof ShownLimit>;

const Rate = z.object({
  remaining: z.int(),
  resetSeconds: z.int(),
  retryAfterSeconds: z.int(),
  /** What it is of; null where that is the plan's rate. A gate of before has no other. */
  limit: ShownLimit.nullable().default(null),
});
export type Rate = z.infer<typeof Rate>;

const known = {
  v: z.literal(1),
  /** JSON of a Policy; null where whoever asks has it at hand, as its way costs more than all else that is said. */
  policy: z.string().nullable(),
  /** The same for as long as the text is. A gate of before has none, and always says the text. */
  policyId: z.string().nullable().default(null),
  rate: Rate,
};

export const EnterAnswer = z.discriminatedUnion("outcome", [
  z.object({ ...known, outcome: z.literal("admitted") }),
  z.object({ ...known, outcome: z.literal("limited") }),
  /** Genuine, but from an address that this key is not held to: such calls have a small limit of their own. */
  z.object({ ...known, outcome: z.literal("elsewhere") }),
  z.object({ v: z.literal(1), outcome: z.literal("unknown") }),
]);
export type EnterAnswer = z.infer<typeof EnterAnswer>;
export const enterAnswerFrom = quickParse(EnterAnswer);
