import type { Context } from "hono";
import type { Cell } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import type { SignedIn } from "./account-operation.ts";
import type { Caller } from "./caller.ts";
import type { ProblemName } from "./problem.ts";

export interface KnownCaller {
  readonly cell: Cell;
  readonly tenantId: string;
  readonly principalId: string;
  /** The OAuth client that a member calls through; null for all others. */
  readonly clientId: string | null;
}

/** What the door keeps of one request, beside Hono's own context. */
export interface RequestState {
  readonly requestId: string;
  /** The declared operation's name, once a route has matched. */
  operation: string | null;
  /** Its method and path, with parameters in braces. */
  route: string | null;
  cell: string | null;
  /** Who asks, once a gate has known them: from here on the request is one of their tenant's calls. */
  caller: KnownCaller | null;
  /** The problem it was answered with, if it was. */
  problem: ProblemName | null;
  /** Headers of the answer, whatever the answer will be. */
  readonly headers: Map<string, string>;
}

export interface AppTypes {
  Bindings: Env;
  Variables: {
    state: RequestState;
    /** Set once the request was authorized. */
    caller: Caller | undefined;
    /** The same of an operation on the user's own account. */
    user: SignedIn | undefined;
  };
}

export type RequestContext = Context<AppTypes>;
