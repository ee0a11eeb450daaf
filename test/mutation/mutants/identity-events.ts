import { never, operand, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const job = "src/jobs/copy-identity-events.ts";
const teller = "src/jobs/tell-members.ts";
const stream = "src/db/copied-events.ts";
const caughtBy = ["copies", "outages"].map((name) => `test/jobs/identity-events/${name}.test.ts`);

/** What has every tenant concerned told of its members' sign-ins, once, and nobody else. */
export const identityEventMutants: readonly Mutant[] = [
  {
    name: "the record that keeps an identity event from being told a tenant twice",
    cut: replaced(teller, "copy", "CallExpression", "onceWithin(", "null"),
    caughtBy,
  },
  {
    name: "how far a cell was told",
    cut: never(job, "tellCell", "seq > position"),
    caughtBy,
  },
  {
    name: "that an event waits for the last of the cells",
    cut: replaced(job, "copyIdentityEvents", "CallExpression", "Math.min(", "Math.max(...reached)"),
    caughtBy,
  },
  {
    name: "the end of a run that has told much",
    cut: never(job, "tellCell", "copiesAtOnce"),
    caughtBy,
  },
  {
    name: "that suspended members are told of",
    cut: replaced(teller, "tell", "Literal", '"whoever"', '"active"'),
    caughtBy,
  },
  {
    name: "that a caller who does not open holds up nobody",
    cut: replaced(job, "opened", "AwaitExpression", "noteUnopened(", "await Promise.reject(error)"),
    caughtBy,
  },
  {
    name: "that a tenant whose keys do not open holds up nobody",
    cut: operand(teller, "sealedFor", "unopened.has"),
    caughtBy,
  },
  {
    name: "the request that an event's caller is looked for by",
    cut: replaced(stream, "sourceEvents", "TemplateLiteral", '"audit_log"."caller" from', "`select null`"),
    caughtBy,
  },
];
