import { zValidator } from "@hono/zod-validator";
import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { z } from "zod";
import { problemAnswer } from "./answers.ts";
import type { FieldError } from "./problem.ts";
import { bodyFacts, rawBodyProblem, rawBodyTerms } from "./raw-body.ts";
import type { AnyInput, AnyOperation } from "./registry.ts";
import type { AppTypes, RequestContext } from "./request-state.ts";

type Middleware = MiddlewareHandler<AppTypes>;

const mostBodyBytes = 256 * 1024;
/** Of one answer: a body of nothing but unknown fields shall not be answered by a longer one. */
const mostErrors = 100;
const nothing = z.strictObject({});

/**
 * An operation's validators, to run after it was authorized: strangers learn nothing from them. An id that is not of
 * its form is an id that does not exist.
 */
export function validators(operation: AnyOperation): Middleware[] {
  const { params, query, body } = operation;
  const chain: Middleware[] = [];
  if (params)
    chain.push(
      zValidator("param", params, (result, c) =>
        result.success ? undefined : problemAnswer(typed(c), "not-found"),
      ),
    );
  chain.push(query ? queryOf(query) : noQuery);
  if (operation.method === "get") return chain;
  const raw = rawBodyTerms(body);
  if (raw) return [...chain, async (c, next) => rawBodyProblem(c, raw) ?? (await next())];
  chain.push(bodyLimit({ maxSize: mostBodyBytes, onError: (c) => problemAnswer(typed(c), "too-large") }));
  // A protocol's body is its own: signed as the bytes it came in.
  if (operation.mount === "protocol") return chain;
  chain.push(...(body ? [requireJson, jsonOf(body)] : [noBody]));
  return chain;
}

/** What the validators let through. */
export function inputOf(c: RequestContext, operation: AnyOperation): AnyInput {
  const valid = (target: "param" | "query" | "json"): unknown => c.req.valid(target as never);
  return {
    params: operation.params ? valid("param") : undefined,
    query: operation.query ? valid("query") : undefined,
    body: rawBodyTerms(operation.body) ? bodyFacts(c) : operation.body ? valid("json") : undefined,
  };
}

function queryOf(query: z.ZodType): Middleware {
  return zValidator("query", query, (result, c) =>
    result.success ? undefined : invalid(typed(c), result.error.issues, "query"),
  );
}

const emptyQuery = queryOf(nothing);

// Nearly every request of these has none: there is nothing to read and to parse then.
const noQuery: Middleware = async (c, next) =>
  c.req.url.includes("?") ? await emptyQuery(c, next) : await next();

const requireJson: Middleware = async (c, next) =>
  isJson(c) ? await next() : problemAnswer(c, "unsupported-media-type");

function isJson(c: RequestContext): boolean {
  return /^application\/json(?:\s*;.*)?$/i.test(c.req.header("content-type") ?? "");
}

function jsonOf(body: z.ZodType): Middleware {
  return zValidator("json", body, (result, c) =>
    result.success ? undefined : invalid(typed(c), result.error.issues, "body"),
  );
}

const emptyObject = jsonOf(nothing);

// Many clients send a content type with no body, which is no JSON; `{}` is welcome too.
const noBody: Middleware = async (c, next) => {
  if ((await c.req.text()) === "") return await next();
  return isJson(c) ? await emptyObject(c, next) : problemAnswer(c, "unsupported-media-type");
};

// zod-validator hands its hook the context without our variables; the frame has set them before any route runs.
function typed(c: unknown): RequestContext {
  return c as RequestContext;
}

function invalid(c: RequestContext, issues: readonly z.core.$ZodIssue[], where: "query" | "body"): Response {
  const errors = issues.flatMap((issue) => fieldErrors(issue, where));
  return problemAnswer(c, "invalid", { errors: errors.slice(0, mostErrors) });
}

function fieldErrors(issue: z.core.$ZodIssue, where: "query" | "body"): FieldError[] {
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    // Of several shapes, what is amiss with the nearest.
    const nearest = issue.errors.reduce((best, each) => (each.length < best.length ? each : best));
    return nearest.flatMap((inner) => fieldErrors({ ...inner, path: [...issue.path, ...inner.path] }, where));
  }
  const paths =
    issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
  const detail = issue.code === "unrecognized_keys" ? "is not a known field" : issue.message;
  return paths.map((path) =>
    where === "query" ? { parameter: path.join("."), detail } : { pointer: pointerTo(path), detail },
  );
}

// RFC 6901.
function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
