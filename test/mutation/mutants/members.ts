import { body, never, operand, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const [rules, standing] = ["src/resources/members/rules.ts", "src/resources/members/standing.ts"];
const rights = "src/gate/rights.ts";
const members = ["test/resources/members/rights.test.ts"];
const algebra = ["test/gate/rights.test.ts"];

/** Who may say what others may do. */
export const memberRights: readonly Mutant[] = [
  {
    name: "what owners and admins alone may do",
    cut: body(rights, "holdsElevated", "return intersect(mask, elevatedAlone) === mask;"),
    caughtBy: algebra,
  },
  {
    name: "that nobody acts on whoever may do more",
    cut: never(standing, "managed", "isHeld(principal)"),
    caughtBy: members,
  },
  {
    name: "that somebody of other places is above who has fewer",
    cut: operand(rules, "isAbove", "isWithin"),
    caughtBy: members,
  },
  {
    name: "that a role is given by who holds it",
    cut: never(rules, "excessOf", "capabilitiesOf"),
    caughtBy: members,
  },
  {
    name: "that a grant is given by who holds it",
    cut: operand(rules, "excessOf", "given.grants, actor.capabilities"),
    caughtBy: members,
  },
  {
    name: "that a grant is none of what owners and admins alone may do",
    cut: operand(rules, "excessOf", "holdsElevated"),
    caughtBy: members,
  },
  {
    name: "that somebody elsewhere as well is of all places",
    cut: operand(standing, "standingOf", "isElsewhere"),
    caughtBy: members,
  },
  {
    name: "that another owner is left",
    cut: never("src/gate/leaving.ts", "notTheLastOwner", 'row.role !== "owner"'),
    caughtBy: members,
  },
  {
    name: "the places of members for who is limited to some",
    cut: replaced("src/db/scope.ts", "reachOf", "ConditionalExpression", "isPlaced", "undefined"),
    caughtBy: members,
  },
];
