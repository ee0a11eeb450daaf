/** What can be amiss with who may do what; part of the one catalogue, with the same form. */
export const rightsProblems = {
  "member-above-you": {
    status: 403,
    title: "They may do more than you.",
    meaning: "Nobody acts on a member who may do more than they, or elsewhere.",
  },
  "rights-exceed-yours": {
    status: 422,
    title: "Nobody gives what they do not have.",
    meaning:
      "Capabilities and locations must be among your own; some are had by owners and admins alone, by their role.",
  },
  "scopes-exceed-creator": {
    status: 422,
    title: "A key cannot do more than who creates it.",
    meaning: "Scopes and locations must be among the creator's own.",
  },
  "key-not-active": {
    status: 409,
    title: "The key has ended, or has a successor.",
    meaning: "It was revoked, or has expired, or was rotated before: go on with its successor.",
  },
  "is-a-sandbox": {
    status: 409,
    title: "This is a sandbox itself.",
    meaning: "A business has one. Open it from the business, not from its sandbox.",
  },
  "sandbox-not-available": {
    status: 409,
    title: "The sandbox's name is another's, or it was closed.",
    meaning: "Ask whoever runs this deployment.",
  },
  "would-lock-you-out": {
    status: 409,
    title: "That would lock you out.",
    meaning: "Your own address is not on the list. Add its network, or change it from where you are let in.",
  },
  "limit-exceeds-plan": {
    status: 422,
    title: "A key is not let do more than the plan sells.",
    meaning: "A business may hold a key to less. Ask whoever runs this deployment for more.",
  },
  "events-exceed-creator": {
    status: 422,
    title: "An endpoint is told no more than who answers for it may read.",
    meaning:
      "Event types and locations must be within the rights of whoever creates, changes or enables the endpoint.",
  },
  "already-invited": {
    status: 409,
    title: "They are invited already.",
    meaning: "There is an invitation to this address. Send it again, or take it back first.",
  },
  "too-many-invitations": {
    status: 409,
    title: "There are as many invitations as there can be.",
    meaning:
      "A business has at most 200 at a time, sends at most 100 in 24 hours, and each five times at most.",
  },
  "invitation-not-valid": {
    status: 422,
    title: "The invitation is not valid.",
    meaning:
      "It was accepted or taken back, its time is over, a later mail has another link, or whoever invited may not any more.",
  },
  "invitation-for-another": {
    status: 403,
    title: "The invitation is for another address.",
    meaning: "It is accepted by the account whose address it was sent to, once that is confirmed.",
  },
  "agent-is-no-member": {
    status: 403,
    title: "A support agent is no member of a business.",
    meaning: "Whoever helps businesses for those who run this deployment has an account for that alone.",
  },
  "personal-data-masked": {
    status: 403,
    title: "The grant shows no personal data.",
    meaning:
      "Support sees what people told masked unless the business's grant shows it: the bytes of files and searches for somebody cannot be masked.",
  },
  "support-not-granted": {
    status: 403,
    title: "No owner allows that now.",
    meaning: "The business has no such grant, or it has ended, or whoever gave it is no owner any more.",
  },
  "too-many-support-sessions": {
    status: 409,
    title: "There are as many support sessions as there can be.",
    meaning: "A business has at most 20 running at a time.",
  },
  "already-a-member": {
    status: 409,
    title: "You are a member of this business already.",
    meaning:
      "Nothing was changed. Whoever was suspended is reinstated by the business, not by an invitation.",
  },
  "last-owner": {
    status: 409,
    title: "They are the only owner.",
    meaning: "A business always has one. Make somebody else an owner first.",
  },
  "role-name-taken": {
    status: 409,
    title: "There is a role of this name.",
    meaning: "The names of a business's own roles differ.",
  },
  "role-in-use": {
    status: 409,
    title: "Somebody has this role.",
    meaning: "Members have it, or invitations give it. Change or take back those first.",
  },
  "too-many-roles": {
    status: 409,
    title: "There are as many roles as there can be.",
    meaning: "A business has at most 100 of its own; remove one first.",
  },
} as const;
