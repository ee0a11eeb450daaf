import { body, never, operand, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const [rules, standing] = ["src/gate/giving.ts", "src/resources/members/standing.ts"];
const [accepting, inviting] = [
  "src/identity/members/accept-invitation.ts",
  "src/resources/invitations/sending.ts",
];
const rights = "src/gate/rights.ts";
const members = ["test/resources/members/rights.test.ts"];
const joining = ["test/identity/members/joining.test.ts"];
const invitations = ["test/resources/invitations/invitations.test.ts"];
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
  {
    name: "that an invitation is for its address",
    cut: never(accepting, "standingOf", "normaliseEmail"),
    caughtBy: joining,
  },
  {
    name: "that the address is proved to be theirs",
    cut: operand(accepting, "standingOf", "guest.isVerified"),
    caughtBy: joining,
  },
  {
    name: "that the last link alone opens an invitation",
    cut: operand(accepting, "standingOf", "invitation.turn"),
    caughtBy: joining,
  },
  {
    name: "that an invitation has an end",
    cut: operand(accepting, "standingOf", "invitation.expiresAt"),
    caughtBy: joining,
  },
  {
    name: "that who answers for an invitation could still give it",
    cut: never(accepting, "standingOf", "canStillGive"),
    caughtBy: joining,
  },
  {
    name: "that who answers for an invitation is still where it leads",
    cut: operand(accepting, "canStillGive", "locations.includes"),
    caughtBy: joining,
  },
  {
    name: "that rights which move meanwhile end an acceptance",
    cut: replaced(accepting, "sessionAt", "Property", "policy.epoch", "epoch: null"),
    caughtBy: joining,
  },
  {
    name: "that who is there, or suspended, is not let in by an invitation",
    cut: never(accepting, "acceptInvitation", "member.removedAt"),
    caughtBy: joining,
  },
  {
    name: "that nobody is invited to more than who invites has",
    cut: never(inviting, "create", "excess"),
    caughtBy: invitations,
  },
  {
    name: "that nobody takes an invitation back that gives more than they could",
    cut: replaced(
      "src/resources/invitations/standing.ts",
      "managed",
      "CallExpression",
      "isAbove(standing",
      "false",
    ),
    caughtBy: invitations,
  },
  {
    name: "that a person is asked for",
    cut: never("src/http/caller.ts", "mayCall", "inPerson"),
    caughtBy: ["test/every-operation/clients.test.ts"],
  },
  {
    name: "that an owner is made by an owner",
    cut: never("src/resources/members/ownership.ts", "transferOwnership", "mine?.role"),
    caughtBy: ["test/every-operation/credentials.test.ts"],
  },
  {
    name: "that an invitation of before brings nobody back who was removed since",
    cut: never(
      "src/identity/members/accept-invitation.ts",
      "standingOf",
      "removedAt >= invitation.updatedAt",
    ),
    caughtBy: ["test/identity/members/joining.test.ts"],
  },
  {
    name: "that an address gets so many invitations a day",
    cut: never("src/jobs/carriers.ts", "carriedByMailer", "isWithinBudget"),
    caughtBy: ["test/jobs/send-mail.test.ts"],
  },
  {
    name: "that an issuer leaves a business its last owner",
    cut: operand("src/identity/outside/standing.ts", "changesTo", "isLastOwner"),
    caughtBy: ["test/identity/outside/clerk-departures.test.ts"],
  },
  {
    name: "that a sandbox has none",
    cut: never("src/resources/sandbox/operations.ts", "open", "isSandbox"),
    caughtBy: ["test/resources/sandbox.test.ts"],
  },
];
