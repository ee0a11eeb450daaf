import { expect, test } from "vitest";
import { auditSinks, auditSinksFor, sinkKeys } from "#platform/audit-sinks.ts";
import { clientOf } from "#test/client.ts";
import { as, envWith, newTenant } from "#test/world.ts";

const { call } = clientOf();

const entry = {
  name: "vault",
  endpoint: "https://s3.eu-central-1.amazonaws.com",
  region: "eu-central-1",
  bucket: "acme-audit",
  prefix: "keyline/",
  retainDays: 3650,
  owners: ["eu1", "platform"],
};

test("there is no sink unless the operator names one, and it gets no log but those that it names", () => {
  expect([sinksOf(undefined), sinksOf([])]).toEqual([[], []]);
  const env = envWith({ AUDIT_SINKS: JSON.stringify([entry]) });
  const names = (owner: string | null) => auditSinksFor(env, owner).map(({ name }) => name);
  expect([names("eu1"), names("us1"), names(null)]).toEqual([["vault"], [], ["vault"]]);
});

test("a store in another's place is another sink, in the same place the same", () => {
  const place = (changes: object) => sinksOf([{ ...entry, ...changes }])[0]?.place;
  const same = { retainDays: 1, owners: ["us1"], region: "x", endpoint: `${entry.endpoint}/` };
  expect(place(same)).toBe(place({}));
  for (const changes of [
    { name: "safe" },
    { endpoint: "https://s3.example.com" },
    { bucket: "other" },
    { prefix: "" },
  ])
    expect(place(changes)).not.toBe(place({}));
});

const malformed: Readonly<Record<string, unknown>> = {
  "no list": entry,
  "an unknown field": [{ ...entry, secretAccessKey: "zq-secret" }],
  "plain http": [{ ...entry, endpoint: "http://s3.example.com" }],
  "localhost, outside of local development": [{ ...entry, endpoint: "http://localhost:9000" }],
  "an address": [{ ...entry, endpoint: "https://192.0.2.1" }],
  "keys in the endpoint": [
    { ...entry, endpoint: `https://${["AKIA", "zq-secret"].join(":")}@s3.example.com` },
  ],
  "an endpoint with a path": [{ ...entry, endpoint: "https://s3.example.com/acme" }],
  "an endpoint with a query": [{ ...entry, endpoint: "https://s3.example.com/?x" }],
  "a bucket with a slash": [{ ...entry, bucket: "acme/audit" }],
  "a prefix that does not end": [{ ...entry, prefix: "keyline" }],
  "a prefix that climbs": [{ ...entry, prefix: "../" }],
  "a name for no list": [{ ...entry, name: "the vault" }],
  "no owner": [{ ...entry, owners: [] }],
  "every owner": [{ ...entry, owners: ["*"] }],
  "a cell that there is not": [{ ...entry, owners: ["ap1"] }],
  "no time": [{ ...entry, retainDays: 0 }],
  "more than a hundred years": [{ ...entry, retainDays: 36_501 }],
  "two of one name": [entry, { ...entry, bucket: "other" }],
  "two in one place": [entry, { ...entry, name: "safe" }],
  "no JSON": undefined,
};

for (const [what, value] of Object.entries(malformed)) {
  test(`malformed is ${what}, and no key that stands there is repeated`, () => {
    const text = value === undefined ? "{" : JSON.stringify(value);
    expect(() => auditSinks(envWith({ AUDIT_SINKS: text }))).toThrow(/^AUDIT_SINKS is malformed/);
    expect(() => auditSinks(envWith({ AUDIT_SINKS: text }))).not.toThrow(/zq-secret/);
  });
}

test("http to this machine is for local development alone", () => {
  const AUDIT_SINKS = JSON.stringify([{ ...entry, endpoint: "http://localhost:9000" }]);
  const env = envWith({ AUDIT_SINKS, WEBHOOKS_TO_LOCALHOST: "true" });
  expect(auditSinks(env)[0]?.endpoint).toBe("http://localhost:9000");
  const deployed = envWith({
    AUDIT_SINKS,
    WEBHOOKS_TO_LOCALHOST: "true",
    PUBLIC_ORIGIN: "https://keyline.example",
  });
  expect(() => auditSinks(deployed)).toThrow("https origin");
});

test("each sink has its own keys, and an error says nothing of any", () => {
  const keysOf = (text: string) => sinkKeys(envWith({ AUDIT_SINK_KEYS: text }), entry);
  expect(keysOf("safe:A:B, vault:AKIA1:zq/se+cret=")).toEqual({
    accessKeyId: "AKIA1",
    secretAccessKey: "zq/se+cret=",
  });
  for (const text of [
    "",
    "safe:A:zq-secret",
    "vault:zq-secret",
    "vault:A:",
    "zq-secret",
    "vault:A:B,zq-secret",
  ]) {
    expect(() => keysOf(text), text).toThrow("AUDIT_SINK_KEYS");
    expect(() => keysOf(text)).not.toThrow(/zq-secret/);
  }
});

test("sinks that cannot be read, or have no keys, are said by readiness without a name, and stop nothing else", async () => {
  const tenant = await newTenant("cafe");
  const AUDIT_SINKS = JSON.stringify([entry]);
  for (const changes of [
    { AUDIT_SINKS: "{" },
    { AUDIT_SINKS },
    { AUDIT_SINKS, AUDIT_SINK_KEYS: "safe:A:B" },
  ]) {
    const { json, text } = await call("system.ready", { env: envWith(changes) });
    expect(json.errors.map(({ parameter }: { parameter: string }) => parameter)).toContain("audit sinks");
    expect(text).not.toMatch(/vault|acme/);
    expect((await call("audit.list", { ...as(tenant), env: envWith(changes) })).status).toBe(200);
  }
  const given = { ...as(tenant), env: envWith({ AUDIT_SINKS: "{" }) };
  expect((await call("audit.sinks", given)).status).toBe(503);
  const whole = envWith({ AUDIT_SINKS, AUDIT_SINK_KEYS: "vault:A:B" });
  const { json } = await call("system.ready", { env: whole });
  expect(json.checks).toContainEqual({ name: "audit sinks", ok: true });
});

function sinksOf(value: unknown) {
  return auditSinks(envWith({ AUDIT_SINKS: value === undefined ? undefined : JSON.stringify(value) }));
}
