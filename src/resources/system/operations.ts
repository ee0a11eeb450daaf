import { z } from "zod";
import { told, toldList } from "#http/fields.ts";
import { publicOperation, unauthenticatedOperation } from "#http/operation.ts";
import { Refusal, refuse } from "#http/outcome.ts";
import { isProblemName, problems } from "#http/problem.ts";

const PublicJwk = z
  .object({
    kty: z.literal("EC"),
    crv: z.literal("P-256"),
    x: told(43),
    y: told(43),
    kid: told(64),
    use: z.literal("sig"),
    alg: z.literal("ES256"),
  })
  .meta({ id: "PublicJwk" });

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
  returns: z.object({
    checks: toldList(z.object({ name: told(100, "directory schema"), ok: z.boolean() }), 1000),
  }),
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
  returns: z.object({ keys: toldList(PublicJwk, 50) }),
  problems: [],
  run: async ({ jwks }) => ({ keys: (await jwks()).keys.map((key) => PublicJwk.parse(key)) }),
});

export const problem = unauthenticatedOperation({
  mount: "public",
  method: "get",
  path: "/problems/{type}",
  summary: "What a problem's type means",
  can: publicOperation({ because: "it is documentation" }),
  store: "none",
  params: z.object({
    type: z
      .string()
      .max(64)
      .meta({ pattern: "^[a-z-]+$", examples: ["not-found"] }),
  }),
  returns: z
    .object({
      type: told(80, "/problems/not-found"),
      status: z
        .int()
        .min(400)
        .max(599)
        .meta({ examples: [404] }),
      title: told(200, "Not found."),
      meaning: told(500),
    })
    .meta({ id: "ProblemMeaning" }),
  problems: ["not-found"],
  async run(_context, { params: { type } }) {
    return isProblemName(type) ? { type: `/problems/${type}`, ...problems[type] } : refuse("not-found");
  },
});
