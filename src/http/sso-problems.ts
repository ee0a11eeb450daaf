/** What setting up single sign-on can end in. */
export const ssoProblems = {
  "domain-taken": {
    status: 409,
    title: "Somebody speaks for this domain already.",
    meaning: "One business speaks for a domain, and lists it once. It has to take it away there first.",
  },
  "domain-not-proven": {
    status: 409,
    title: "The domain is not proven.",
    meaning:
      "DNS has no TXT record at `recordName` with the text `recordValue`, or the domain was not verified since.",
  },
  "connection-in-use": {
    status: 409,
    title: "Domains sign in by this connection.",
    meaning: "Remove its domains, or give them another connection, first.",
  },
  "too-many-sso-connections": {
    status: 409,
    title: "There are as many connections as there can be.",
    meaning: "A tenant has at most 5; remove one first.",
  },
  "too-many-sso-domains": {
    status: 409,
    title: "There are as many domains as there can be.",
    meaning: "A tenant has at most 20; remove one first.",
  },
} as const;
