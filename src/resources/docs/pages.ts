import { z } from "zod";
import { publicOperation, unauthenticatedOperation } from "#http/operation.ts";
import { refuse } from "#http/outcome.ts";
import { textOf } from "#http/text-answer.ts";

const because = "it is documentation";
const html = textOf("text/html; charset=utf-8");

export const guide = unauthenticatedOperation({
  mount: "public",
  method: "get",
  path: "/docs",
  summary: "The contract for people: how calls are made",
  can: publicOperation({ because }),
  store: "none",
  returns: html,
  problems: ["not-found"],
  run: async ({ contract }) => contract.page("/docs") ?? refuse("not-found"),
});

export const page = unauthenticatedOperation({
  mount: "public",
  method: "get",
  path: "/docs/{page}",
  summary: "The contract for people: one resource, the problems, or what protects what",
  can: publicOperation({ because }),
  store: "none",
  params: z.object({
    page: z
      .string()
      .max(64)
      .meta({ pattern: "^[a-z-]+$", examples: ["orders"] }),
  }),
  returns: html,
  problems: ["not-found"],
  run: async ({ contract }, { params }) => contract.page(`/docs/${params.page}`) ?? refuse("not-found"),
});

export const style = unauthenticatedOperation({
  mount: "public",
  method: "get",
  path: "/docs/assets/style.css",
  summary: "How the pages look",
  can: publicOperation({ because }),
  store: "none",
  returns: textOf("text/css; charset=utf-8"),
  problems: ["not-found"],
  run: async ({ contract }) => contract.page("/docs/assets/style.css") ?? refuse("not-found"),
});

export const script = unauthenticatedOperation({
  mount: "public",
  method: "get",
  path: "/docs/assets/try.js",
  summary: "What lets the pages try a call",
  can: publicOperation({ because }),
  store: "none",
  returns: textOf("text/javascript; charset=utf-8"),
  problems: ["not-found"],
  run: async ({ contract }) => contract.page("/docs/assets/try.js") ?? refuse("not-found"),
});
