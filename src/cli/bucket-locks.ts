import { z } from "zod";

/** A bucket of wrangler.toml. */
export interface Bucket {
  readonly binding: string;
  readonly name: string;
  readonly jurisdiction: string | null;
}

/** A lock rule as Cloudflare's API has it; what this does not know of a rule is handed back as it came. */
const Rule = z.looseObject({
  id: z.string(),
  enabled: z.boolean(),
  prefix: z.string().optional(),
  condition: z.discriminatedUnion("type", [
    z.looseObject({ type: z.literal("Age"), maxAgeSeconds: z.number() }),
    z.looseObject({ type: z.literal("Date"), date: z.string() }),
    z.looseObject({ type: z.literal("Indefinite") }),
  ]),
});
export type Rule = z.output<typeof Rule>;
export const Rules = z.array(Rule);

const daySeconds = 86_400;

/**
 * Which buckets are locked: the transparency logs', all of each and for good. Nothing in them is ever changed or
 * deleted, as erasure destroys keys; in every other bucket retention has to delete.
 */
const locks: readonly { readonly bindings: RegExp; readonly rule: Rule }[] = [
  {
    bindings: /^AUDIT_LOG_/,
    rule: { id: "keyline-audit-log", enabled: true, prefix: "", condition: { type: "Indefinite" } },
  },
];

/** The rule that this bucket has to have; null where it is not locked. */
export function lockOf(bucket: Bucket): Rule | null {
  return locks.find(({ bindings }) => bindings.test(bucket.binding))?.rule ?? null;
}

/** What keeps these rules from locking all of a bucket for good; empty where one of them does, whatever its name. */
export function lockFaults(found: readonly Rule[]): string[] {
  const weaknesses = found.map(weaknessesOf);
  if (weaknesses.some((each) => each.length === 0)) return [];
  if (found.length === 0) return ["has no lock rule"];
  return found.map((rule, at) => `has the rule ${rule.id}, which ${weaknesses[at]?.join(", and ")}`);
}

/** These rules with the one that is wanted; it takes the place only of a weaker one of its own name. */
export function withLock(found: readonly Rule[], wanted: Rule): Rule[] {
  if (lockFaults(found).length === 0) return [...found];
  const others = found.filter(({ id }) => id !== wanted.id);
  return [...others, wanted];
}

function weaknessesOf(rule: Rule): string[] {
  const { prefix = "" } = rule;
  const term = termOf(rule);
  return [
    ...(rule.enabled ? [] : ["is switched off"]),
    ...(prefix === "" ? [] : [`locks only what begins with ${JSON.stringify(prefix)}`]),
    ...(term === null ? [] : [`locks ${term}`]),
  ];
}

/** How long this locks, where that is not for good: no lock that ends is as long as one that is wanted here. */
function termOf({ condition }: Rule): string | null {
  if (condition.type === "Indefinite") return null;
  return condition.type === "Age"
    ? `for ${condition.maxAgeSeconds / daySeconds} days only`
    : `until ${condition.date} only`;
}
