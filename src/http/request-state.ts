import type { Context } from "hono";
import type { Env } from "#platform/env.ts";

/** What the door keeps of one request, beside Hono's own context. */
export interface RequestState {
  readonly requestId: string;
  /** The declared operation's name, once a route has matched. */
  operation: string | null;
  cell: string | null;
  /** Headers of the answer, whatever the answer will be. */
  readonly headers: Map<string, string>;
}

export interface AppTypes {
  Bindings: Env;
  Variables: { state: RequestState };
}

export type RequestContext = Context<AppTypes>;
