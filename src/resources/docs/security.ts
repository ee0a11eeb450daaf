import { publicOperation, unauthenticatedOperation } from "#http/operation.ts";
import { refuse } from "#http/outcome.ts";
import { textOf } from "#http/text-answer.ts";

export const securityTxt = unauthenticatedOperation({
  mount: "public",
  method: "get",
  path: "/.well-known/security.txt",
  summary: "Whom to tell of a vulnerability (RFC 9116)",
  can: publicOperation({ because: "who finds a hole has no account here" }),
  store: "none",
  returns: textOf("text/plain; charset=utf-8"),
  problems: ["not-found"],
  run: async ({ contract }) => contract.securityTxt() ?? refuse("not-found"),
});

export const securityPolicy = unauthenticatedOperation({
  mount: "public",
  method: "get",
  path: "/security",
  summary: "How reports of vulnerabilities are handled, and how soon",
  can: publicOperation({ because: "who finds a hole has no account here" }),
  store: "none",
  returns: textOf("text/html; charset=utf-8"),
  problems: ["not-found"],
  run: async ({ contract }) => contract.page("/security") ?? refuse("not-found"),
});
