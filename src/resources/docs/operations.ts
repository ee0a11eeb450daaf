import { publicOperation, unauthenticatedOperation } from "#http/operation.ts";
import { textOf } from "#http/text-answer.ts";

const because = "it is documentation";

export const openApi31 = unauthenticatedOperation({
  mount: "public",
  method: "get",
  path: "/openapi.json",
  summary: "The contract as OpenAPI 3.1",
  can: publicOperation({ because }),
  store: "none",
  returns: textOf("application/json"),
  problems: [],
  run: async ({ contract }) => contract.openApi("3.1"),
});

export const openApi30 = unauthenticatedOperation({
  mount: "public",
  method: "get",
  path: "/openapi-3.0.json",
  summary: "The same contract as OpenAPI 3.0.3, for tools that read nothing newer",
  can: publicOperation({ because }),
  store: "none",
  returns: textOf("application/json"),
  problems: [],
  run: async ({ contract }) => contract.openApi("3.0"),
});
