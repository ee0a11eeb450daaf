import { beforeAll, expect, test } from "vitest";
import { rawBodyTerms } from "#http/raw-body.ts";
import { pathOf } from "#http/registry.ts";
import { type Answer, type Call, clientOf } from "#test/client.ts";
import { exampleOf, operations, tenantOperations } from "#test/examples.ts";
import { newTenant, type TestTenant } from "#test/world.ts";
import { grown, written } from "#test/written.ts";
import { inPerson, memberOf, ownKeyOf, tryOut } from "./trial.ts";

const { call, send } = clientOf();
const mostBytes = 256 * 1024;

let tenant: TestTenant;

beforeAll(async () => {
  tenant = await newTenant();
});

/** Those that take JSON; a body of bytes has rules of its own (test/resources/files). */
const takers = operations.filter(({ operation: { body } }) => body && rawBodyTerms(body) === null);

for (const { name } of takers) {
  test(`${name} refuses a field it does not know, and names it`, async () => {
    const { body, ...input } = await exampleOf(name).make(tenant);
    const before = await written();
    for (const field of ["surprise", "tenantId", "id", "version", "a/b~c", "constructor"]) {
      const surprising = { ...input, body: { ...Object(body), [field]: 1 } };
      const answer = await call(name, { tenant: tenant.slug, as: tenant.key, ...surprising });
      const pointer = `/${field.replaceAll("~", "~0").replaceAll("/", "~1")}`;
      expectInvalid(answer, { pointer });
    }
    const proto = JSON.stringify(body).replace("{", '{"__proto__":{"admin":true},');
    expectInvalid(await sent(name, input, proto), { pointer: "/__proto__" });
    expect(grown(before, await written())).toEqual({});
  });

  test(`${name} refuses what is no JSON with 400, and JSON that is no object with 422`, async () => {
    const input = await exampleOf(name).make(tenant);
    const before = await written();
    for (const text of ["", "{", "nonsense", "{}}", "{'a':1}", "\u0000", '{"a":1,}', "NaN"]) {
      const answer = await sent(name, input, text);
      expect([text, answer.status, answer.json.type]).toEqual([text, 400, "/problems/malformed-request"]);
    }
    for (const text of ["null", "[]", "1", '"text"', "true", "[{}]"]) {
      const answer = await sent(name, input, text);
      expect([text, answer.status, answer.json.type]).toEqual([text, 422, "/problems/invalid"]);
      expect(answer.json.errors.length).toBeGreaterThan(0);
    }
    expect(grown(before, await written())).toEqual({});
  });

  test(`${name} takes JSON alone`, async () => {
    const input = await exampleOf(name).make(tenant);
    const text = JSON.stringify(input.body);
    const types = [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "application/jsonp",
      "application/problem+json",
      "text/json",
      "application/json, text/plain",
      "",
    ];
    for (const type of types) {
      const answer = await sent(name, input, text, { "Content-Type": type });
      expect([type, answer.status, answer.json.type]).toEqual([
        type,
        415,
        "/problems/unsupported-media-type",
      ]);
    }
    const taken = ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON"];
    for (const type of taken) {
      const anew = await exampleOf(name).make(tenant);
      const answer = await sent(name, anew, JSON.stringify(anew.body), { "Content-Type": type });
      expect(answer.status).toBeLessThan(300);
    }
  });

  test(`${name} refuses more than 256 KB, told or not, and takes as much`, async () => {
    const input = await exampleOf(name).make(tenant);
    const text = JSON.stringify(input.body);
    const padded = text.padEnd(mostBytes);
    expect((await sent(name, input, padded)).status).toBeLessThan(300);
    for (const body of [`${padded} `, streamOf(`${padded} `)]) {
      const answer = await sent(name, input, body);
      expect([answer.status, answer.json.type]).toEqual([413, "/problems/too-large"]);
    }
  });
}

for (const { name } of operations.filter(({ operation }) => operation.query)) {
  test(`${name} refuses a query parameter it does not know, and names it`, async () => {
    const { query } = await exampleOf(name).make(tenant);
    for (const parameter of ["surprise", "tenantId", "offset", "email"]) {
      const answer = await tryOut(tenant, name, ownKeyOf(tenant), { query: { ...query, [parameter]: "1" } });
      expectInvalid(answer, { parameter });
    }
    for (const [parameter, value] of [
      ["limit", "0"],
      ["limit", "101"],
      ["limit", "1.5"],
      ["limit", "-1"],
      ["limit", "many"],
      ["limit", ""],
      ["cursor", "x"],
      ["cursor", "a.b.c"],
      ["cursor", "x".repeat(501)],
    ] as const) {
      const answer = await tryOut(tenant, name, ownKeyOf(tenant), {
        query: { ...query, [parameter]: value },
      });
      expectInvalid(answer, { parameter });
    }
  });
}

test("an operation that takes no query refuses one", async () => {
  const takers: string[] = [];
  for (const { name, operation } of operations) {
    if (operation.query) continue;
    const { status } = await tryOut(tenant, name, ownKeyOf(tenant), { query: { surprise: "1" } });
    if (status !== 422) takers.push(name);
  }
  expect(takers, "an unknown field is refused, not passed over").toEqual([]);
});

test("an operation that takes no body refuses one", async () => {
  const takers: string[] = [];
  for (const { name, operation } of tenantOperations) {
    if (operation.body || operation.method === "get") continue;
    const { status } = await tryOut(tenant, name, ownKeyOf(tenant), { body: { surprise: 1 } });
    if (status !== 422) takers.push(name);
  }
  expect(takers, "an unknown field is refused, not passed over").toEqual([]);
});

test("an operation that takes no body takes an empty one of any content type", async () => {
  const refused: string[] = [];
  for (const { name, operation } of tenantOperations) {
    if (operation.body || operation.method === "get" || operation.method === "delete") continue;
    const headers = { "Content-Type": "application/json" };
    const { status } = await tryOut(tenant, name, ownKeyOf(tenant), { headers });
    if (status === 400 || status === 415) refused.push(name);
  }
  expect(refused).toEqual([]);
});

test("a body of nothing but unknown fields is answered by a hundred errors at most", async () => {
  const body = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`surprise${index}`, 1]));
  const { status, json } = await tryOut(tenant, "customers.create", ownKeyOf(tenant), { body });
  expect([status, json.errors.length]).toEqual([422, 100]);
});

test("a name has something to read and turns no reading direction", async () => {
  for (const name of ["\u200b", "\u2800", "Ada \u202etxt.exe", "\u2066Ada\u2069", "a\u2028b"])
    expectInvalid(await tryOut(tenant, "customers.create", ownKeyOf(tenant), { body: { name } }), {
      pointer: "/name",
    });
  for (const name of ["X", "\u{1f642}", "\u0627\u0644\u0639\u0631\u0628\u064a\u0629", "7", "&c\u200d"])
    expect((await tryOut(tenant, "customers.create", ownKeyOf(tenant), { body: { name } })).status).toBe(201);
});

test("a field deep inside is named by its pointer", async () => {
  const { body } = await exampleOf("orders.create").make(tenant);
  const [line] = Object(body).lines;
  const withLine = (changes: object) =>
    tryOut(tenant, "orders.create", ownKeyOf(tenant), {
      body: { ...Object(body), lines: [line, { ...line, ...changes }] },
    });
  expectInvalid(await withLine({ surprise: 1 }), { pointer: "/lines/1/surprise" });
  expectInvalid(await withLine({ unitPrice: -1 }), { pointer: "/lines/1/unitPrice" });
  expectInvalid(await withLine({ unitPrice: 1.5 }), { pointer: "/lines/1/unitPrice" });
  expectInvalid(await withLine({ quantityThousandths: "2" }), { pointer: "/lines/1/quantityThousandths" });
  expectInvalid(await withLine({ description: "a\u0000b" }), { pointer: "/lines/1/description" });
});

function expectInvalid(
  { status, json, text }: Answer,
  error: { pointer?: string; parameter?: string },
): void {
  expect([status, json.type], text).toEqual([422, "/problems/invalid"]);
  expect(json.errors, text).toContainEqual({ ...error, detail: expect.any(String) });
}

async function sent(
  name: string,
  { params = {}, as: asked, headers: own = {} }: Pick<Call, "params" | "as" | "headers">,
  body: string | ReadableStream<Uint8Array>,
  headers: Record<string, string> = { "Content-Type": "application/json" },
): Promise<Answer> {
  const operation = operations.find((each) => each.name === name)?.operation;
  if (!operation) throw new Error(`There is no operation ${name}.`);
  const whole = inPerson.includes(name) ? (await memberOf(tenant, "owner")).as : tenant.key;
  const as = asked ?? whole;
  const path = pathOf(operation).replaceAll(/\{(\w+)\}/g, (_, key: string) =>
    key === "tenant" ? tenant.slug : (params[key] ?? ""),
  );
  return await send(
    new Request(`http://localhost:8787${path}`, {
      method: operation.method.toUpperCase(),
      headers: { ...own, Authorization: `Bearer ${as}`, ...headers },
      body: typeof body === "string" ? new TextEncoder().encode(body) : body,
    }),
  );
}

function streamOf(text: string): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += 65_536) controller.enqueue(bytes.subarray(at, at + 65_536));
      controller.close();
    },
  });
}
