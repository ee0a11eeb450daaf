/** By hand: what has a bucket of its own, as it reads or sets off much more than others. */
export const expensive: readonly string[] = [
  "api-calls.list",
  "api-calls.usage",
  "audit.consistency",
  "audit.leaves",
  "audit.proof",
  "customer-consent.sharedProfiles",
  "customers.search",
  "ip-allow-list.update",
  "members.factorCoverage",
  "sandbox.open",
  "webhook-endpoints.replay",
];
