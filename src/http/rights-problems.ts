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
  "events-exceed-creator": {
    status: 422,
    title: "An endpoint is told no more than who answers for it may read.",
    meaning:
      "Event types and locations must be within the rights of whoever creates, changes or enables the endpoint.",
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
    title: "Members have this role.",
    meaning: "Give them another one first.",
  },
  "too-many-roles": {
    status: 409,
    title: "There are as many roles as there can be.",
    meaning: "A business has at most 100 of its own; remove one first.",
  },
} as const;
