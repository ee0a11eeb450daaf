import { z } from "zod";
import type { SignedIn } from "#http/account-operation.ts";
import { isProblemName, type ProblemName } from "#http/problem.ts";
import type { RequestContext } from "#http/request-state.ts";
import { vouchFor } from "#http/vouched.ts";

const Problem = z.object({
  type: z.string().transform((type) => type.replace("/problems/", "")),
  title: z.string(),
  errors: z.array(z.object({ pointer: z.string().optional(), detail: z.string() })).default([]),
  challenge: z.string().optional(),
  methods: z.array(z.string()).optional(),
});

export interface ToldProblem extends Omit<z.output<typeof Problem>, "type"> {
  readonly type: ProblemName;
}

/** What the API answered. */
export interface Told {
  readonly status: number;
  readonly json: unknown;
  readonly problem: ToldProblem | null;
}

/** The page's user has to do this before; whoever serves the page sends them there. */
export class Needed extends Error {
  readonly what: "sign-in" | "proof";

  constructor(what: Needed["what"]) {
    super(`${what} is needed`);
    this.what = what;
  }
}

type Fetch = (request: Request) => Response | Promise<Response>;

/** An operation, through the same door as everybody's: its rules, limits and audit are those of the API. */
export async function ask(
  c: RequestContext,
  fetch: Fetch,
  user: SignedIn | null,
  [method, path, body]: readonly ["GET" | "POST" | "DELETE", string, (object | undefined)?],
): Promise<Told> {
  const headers = new Headers(body ? { "Content-Type": "application/json" } : {});
  for (const name of ["cf-connecting-ip", "user-agent"]) {
    const value = c.req.header(name);
    if (value !== undefined) headers.set(name, value);
  }
  const { cf } = c.req.raw;
  const request = new Request(new URL(path, c.req.url), {
    method,
    headers,
    ...(cf ? { cf } : {}),
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (user) vouchFor(request, user);
  const answer = await fetch(request);
  const text = await answer.text();
  const json: unknown = text === "" ? null : JSON.parse(text);
  const problem = answer.status < 400 ? null : problemOf(json);
  if (problem?.type === "unauthorized") throw new Needed("sign-in");
  if (problem?.type === "step-up-required") throw new Needed("proof");
  return { status: answer.status, json, problem };
}

function problemOf(json: unknown): ToldProblem {
  const problem = Problem.parse(json);
  return { ...problem, type: isProblemName(problem.type) ? problem.type : "internal" };
}
