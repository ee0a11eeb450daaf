import { z } from "zod";
import { publicOperation, unauthenticatedOperation } from "#http/operation.ts";
import { Refusal, refuse } from "#http/outcome.ts";
import { isProblemName, problems } from "#http/problem.ts";

export const alive = unauthenticatedOperation({
  mount: "public",
  method: "get",
  path: "/healthz",
  summary: "Is the Worker alive",
  can: publicOperation({ because: "load balancers ask without credentials, and it says nothing" }),
  store: "none",
  returns: z.object({ ok: z.literal(true) }),
  problems: [],
  run: async () => ({ ok: true as const }),
});

export const ready = unauthenticatedOperation({
  mount: "public",
  method: "get",
  path: "/readyz",
  summary: "Can it serve: bindings, keys, migrations, triggers",
  can: publicOperation({ because: "deploy scripts ask without credentials; it names checks, not data" }),
  store: "none",
  returns: z.object({ checks: z.array(z.object({ name: z.string(), ok: z.boolean() })) }),
  problems: ["unavailable"],
  async run({ readiness }) {
    const checks = await readiness();
    const failed = checks.filter((check) => !check.ok);
    if (failed.length === 0) return { checks: [...checks] };
    return new Refusal(
      "unavailable",
      { errors: failed.map(({ name, todo }) => ({ parameter: name, detail: todo ?? "failed" })) },
      [],
    );
  },
});

export const jwks = unauthenticatedOperation({
  mount: "public",
  method: "get",
  path: "/.well-known/jwks.json",
  summary: "The public keys that access tokens are signed with (RFC 7517)",
  can: publicOperation({ because: "whoever verifies a token needs them" }),
  store: "none",
  returns: z.object({ keys: z.array(z.record(z.string(), z.unknown())) }),
  problems: [],
  run: async ({ jwks }) => ({ keys: (await jwks()).keys.map((key) => ({ ...key })) }),
});

export const problem = unauthenticatedOperation({
  mount: "public",
  method: "get",
  path: "/problems/{type}",
  summary: "What a problem's type means",
  can: publicOperation({ because: "it is documentation" }),
  store: "none",
  params: z.object({ type: z.string().max(64) }),
  returns: z.object({ type: z.string(), status: z.int(), title: z.string(), meaning: z.string() }),
  problems: ["not-found"],
  async run(_context, { params: { type } }) {
    return isProblemName(type) ? { type: `/problems/${type}`, ...problems[type] } : refuse("not-found");
  },
});
