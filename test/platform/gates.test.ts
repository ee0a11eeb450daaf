import { expect, test } from "vitest";
import { logAudit } from "#jobs/log-audit.ts";
import { runScheduled } from "#jobs/scheduled.ts";
import { cellOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { gateOf } from "#platform/gates.ts";
import { registry } from "#resources/index.ts";
import { type Answer, type Call, clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { wholeOf } from "#test/every-operation/trial.ts";
import { absentLike, exampleOf, operations, tenantOperations } from "#test/examples.ts";
import { envWith, memberToken, newTenant, proxied, type TestTenant } from "#test/world.ts";

const { call } = clientOf();

/** Where gates were found, each by its name. Local workerd has no jurisdictions, so the plain namespace stands in. */
interface Found {
  readonly inEu: string[];
  readonly plain: string[];
  readonly told: string[];
}

test("every gate of an eu tenant is found in the jurisdiction eu, whatever is asked and whoever is told", async () => {
  const tenant = await newTenant("cafe", { plan: "enterprise" });
  const { found, env } = recorded();
  const changed = await askEverything(tenant, env);
  expect(found.plain, "gates of an eu tenant outside its jurisdiction").toEqual([]);
  expect(new Set(found.inEu)).toEqual(new Set(principalsOf(tenant, changed)));
  expect(found.inEu.length).toBeGreaterThan(tenantOperations.length);
  expect(found.told).toEqual(changed);
});

test("no gate of a tenant without a jurisdiction is asked for in one", async () => {
  const tenant = await newTenant("signs");
  const { found, env } = recorded();
  const changed = await askEverything(tenant, env);
  expect(found.inEu).toEqual([]);
  expect(new Set(found.plain)).toEqual(new Set(principalsOf(tenant, changed)));
  expect(found.told).toEqual(changed);
});

test("a gate that restarted is asked again in the same jurisdiction", async () => {
  for (const [kind, place] of [
    ["cafe", "inEu"],
    ["signs", "plain"],
  ] as const) {
    const tenant = await newTenant(kind);
    let restarts = 0;
    const { found, env } = recorded((gate) => {
      restarts += 1;
      const reset = Object.assign(new Error("The object was reset."), { retryable: true });
      return restarts === 1 ? proxied(gate, { enter: () => Promise.reject(reset) }) : gate;
    });
    const answer = await call("tenants.ping", { tenant: tenant.slug, as: tenant.key, env });
    expect([answer.status, found]).toEqual([
      200,
      { inEu: [], plain: [], told: [], [place]: [tenant.keyId, tenant.keyId] },
    ]);
  }
});

test("the audit tree of an eu tenant is found in the jurisdiction eu, and of another in none", async () => {
  for (const [kind, jurisdictions] of [
    ["cafe", ["eu"]],
    ["signs", []],
  ] as const) {
    const tenant = await newTenant(kind);
    const real = testEnv().AUDIT_TREES;
    const asked: string[] = [];
    const names: string[] = [];
    const trees = (inside: boolean): unknown => ({
      jurisdiction(place: string) {
        asked.push(place);
        return trees(true);
      },
      getByName(name: string) {
        expect(inside).toBe(kind === "cafe");
        names.push(name);
        return real.getByName(name);
      },
    });
    const env = envWith({ AUDIT_TREES: trees(false) });
    while (await logAudit(env, tenant.cell, tenant.tenantId));
    const given = { tenant: tenant.slug, as: tenant.key, env };
    for (const name of ["audit.proof", "audit.checkpoint", "audit.consistency"])
      expectOk(await call(name, { ...given, ...(await exampleOf(name).make(tenant)) }));
    expect([new Set(asked), new Set(names)]).toEqual([new Set(jurisdictions), new Set([tenant.tenantId])]);
    expect(names.length).toBeGreaterThan(3);
  }
});

test("a jurisdiction that cannot be had is an error, never the plain namespace", () => {
  const eu = { jurisdiction: "eu" } as const;
  const plain: string[] = [];
  const failing = (message: string) =>
    envWith({
      GATES: {
        jurisdiction() {
          throw new Error(message);
        },
        getByName: (name: string) => plain.push(name),
      },
    });
  expect(() => gateOf(failing("Unknown jurisdiction."), eu, "key_1")).toThrow("Unknown jurisdiction.");
  expect(plain).toEqual([]);
  gateOf(failing("Jurisdiction restrictions are not implemented in workerd."), eu, "key_2");
  expect(plain).toEqual(["key_2"]);
});

test("local workerd still has no jurisdictions, which is why the chokepoint may do without", () => {
  expect(cellOf(testEnv(), "eu1")?.jurisdiction).toBe("eu");
  expect(
    () => testEnv().GATES.jurisdiction("eu"),
    "workerd has them now: let platform/gates insist on them, and these tests look into the namespace itself",
  ).toThrow("not implemented in workerd");
});

const ways =
  /\b(getByName|getExisting|idFromName|idFromString|newUniqueId|GATES|AUDIT_TREES|LOCKOUTS|BUDGETS)\b|\.jurisdiction\(/;

test("no source but the chokepoints reaches for a namespace of objects", () => {
  const sources = Object.entries(
    import.meta.glob<string>("/src/**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true }),
  );
  expect(sources.length).toBeGreaterThan(80);
  expect("env.GATES.idFromName(id)").toMatch(ways);
  const found = sources.flatMap(([path, text]) =>
    text.split("\n").flatMap((line) => (ways.test(line) ? [`${path} ${line.trim()}`] : [])),
  );
  const allowed = [
    // What wrangler.toml has to bind, and what protects what, name every binding.
    '/src/cli/doctor/limits.ts const objects = ["GATES", "AUDIT_TREES", "LOCKOUTS", "BUDGETS", "MAILBOX"];',
    "/src/console/docs/protection.tsx AUDIT_TREES: {",
    "/src/console/docs/protection.tsx GATES: {",
    "/src/console/docs/protection.tsx LOCKOUTS: {",
    "/src/console/docs/protection.tsx BUDGETS: {",
    "/src/platform/env.ts readonly GATES: DurableObjectNamespace<GateRpc>;",
    "/src/platform/env.ts readonly AUDIT_TREES: DurableObjectNamespace<AuditTreeRpc>;",
    "/src/platform/env.ts readonly LOCKOUTS: DurableObjectNamespace<LockoutRpc>;",
    "/src/platform/env.ts readonly BUDGETS: DurableObjectNamespace<BudgetRpc>;",
    // One for a whole deployment on its developer's machine, where there are no jurisdictions.
    '/src/platform/mail/mailbox.ts return typeof env.MAILBOX?.getByName === "function" ? [] : ["the mailbox is not bound"];',
    '/src/platform/mail/mailbox.ts return MAILBOX.getByName("mailbox");',
  ];
  const elsewhere = found.filter(
    (line) => !/^\/src\/platform\/(gates|audit-trees|budgets|lockouts|jurisdictions)\.ts /.test(line),
  );
  expect(
    elsewhere,
    "find objects by gateOf(), auditTreeOf(), lockoutOf() and budgetOf(), which know the jurisdiction",
  ).toEqual(allowed);
  expect(found.length).toBeGreaterThan(elsewhere.length);
});

const changesClient = ["oauth-clients.update", "oauth-clients.rotate", "oauth-clients.remove"];
const changesKey = [
  "api-keys.revoke",
  "api-keys.rotate",
  "api-keys.reportLeak",
  "api-keys.setLimit",
  "api-keys.removeLimit",
];
const changesMember = [
  "members.update",
  "members.suspend",
  "members.reinstate",
  "members.remove",
  "members.transferOwnership",
];

/** Requests of every kind, and cron. @returns the key, clients and members that were changed, whose gates are told */
async function askEverything(tenant: TestTenant, env: Env): Promise<string[]> {
  const ask = (name: string, input: Call) =>
    call(name, { tenant: tenant.slug, as: tenant.key, env, ...input });
  const changed: string[] = [];
  for (const { name } of tenantOperations) {
    const input = await exampleOf(name).make(tenant);
    if (changesKey.includes(name)) changed.push(input.params?.apiKeyId ?? "");
    if (changesClient.includes(name)) changed.push(input.params?.oauthClientId ?? "");
    if (changesMember.includes(name)) changed.push(input.params?.memberId ?? "");
    if (name === "support-sessions.end") changed.push(input.params?.supportSessionId ?? "");
    const { as } = await wholeOf(tenant, name);
    expectOk(await ask(name, { as, ...input }));
  }
  for (const { name } of operations.filter(({ operation }) => operation.mount === "public"))
    await ask(name, { as: "", ...(await exampleOf(name).make(tenant)) });
  const absent = { params: { orderId: absentLike(tenant.orderId) } };
  const others: [number, Promise<Answer>][] = [
    [200, ask("orders.get", { tenant: tenant.tenantId, params: { orderId: tenant.orderId } })],
    [404, ask("orders.get", absent)],
    [404, ask("orders.place", absent)],
    [404, ask("tenants.ping", { tenant: "somebody-else" })],
    [422, ask("customers.create", { body: { name: "" } })],
    [401, ask("tenants.ping", { as: `${tenant.key.slice(0, -1)}!` })],
    [403, ask("settings.update", { as: await memberToken(tenant, "viewer"), body: { name: "Mine" } })],
  ];
  for (const [status, answer] of others) expect((await answer).status).toBe(status);
  await tenant.cell.database
    .prepare("update tenant_state set epoch = epoch + 1 where tenant_id = ?")
    .bind(tenant.tenantId)
    .run();
  expectOk(await ask("customers.create", { body: { name: "Asked again after rights moved" } }));
  await runScheduled(env, registry, Date.now());
  return changed;
}

function expectOk({ status, text }: Answer): void {
  expect(status, text).toBeLessThan(300);
}

function principalsOf({ keyId, memberIds }: TestTenant, changed: readonly string[]): string[] {
  return [keyId, memberIds.owner, memberIds.viewer, ...changed];
}

type Stub = ReturnType<Env["GATES"]["getByName"]>;

function recorded(through: (gate: Stub) => Stub = (gate) => gate): { found: Found; env: Env } {
  const real = testEnv().GATES;
  const found: Found = { inEu: [], plain: [], told: [] };
  const namespace = (names: string[], jurisdiction: (place: string) => unknown) =>
    new Proxy(real, {
      get(_target, method) {
        if (method === "jurisdiction") return jurisdiction;
        if (method !== "getByName")
          throw new Error(`${String(method)} is a way that platform/gates knows not.`);
        return (name: string) => {
          names.push(name);
          const gate = through(real.getByName(name));
          return proxied(gate, {
            enter: (request: unknown) => gate.enter(request),
            forget() {
              found.told.push(name);
              return gate.forget();
            },
          });
        };
      },
    });
  const within = (place: string) => {
    expect(place).toBe("eu");
    return namespace(found.inEu, () => {
      throw new Error("A jurisdiction has no jurisdictions.");
    });
  };
  return { found, env: envWith({ GATES: namespace(found.plain, within) }) };
}
