import { expect, test } from "vitest";
import { clientOf } from "#test/client.ts";
import { envWith } from "#test/world.ts";

const { call } = clientOf();

test("a deployment whose operator can be told of a hole says whom to tell", async () => {
  const env = envWith({
    PUBLIC_ORIGIN: "https://api.b.test",
    SECURITY_CONTACT: "mailto:security@b.test, https://b.test/report",
  });
  const { status, text } = await call("docs.securityTxt", { env });
  expect(status).toBe(200);
  expect(text).toMatch(/^Contact: mailto:security@b\.test\nContact: https:\/\/b\.test\/report\nExpires: /);
  expect(text).toContain("\nCanonical: https://api.b.test/.well-known/security.txt\n");
  expect((await call("docs.securityPolicy", { env })).text).toContain('href="mailto:security@b.test"');
  expect(faultOf(await call("system.ready", { env }))).toBeUndefined();
});

for (const contact of [undefined, " , ", "security at b.test", "mailto:security@example.com"]) {
  test(`a deployment is not ready with ${JSON.stringify(contact)} as its contact, and names nobody`, async () => {
    const env = envWith({ PUBLIC_ORIGIN: "https://api.b.test", SECURITY_CONTACT: contact });
    const ready = await call("system.ready", { env });
    expect(ready.status).toBe(503);
    expect(faultOf(ready)).toMatch(/SECURITY_CONTACT/);
    expect((await call("docs.securityTxt", { env })).status).toBe(404);
    const policy = await call("docs.securityPolicy", { env });
    expect(policy.text).toContain("has configured no contact yet");
    expect(policy.text).not.toContain("mailto:");
  });
}

function faultOf({
  json,
}: {
  json: { errors?: { parameter: string; detail: string }[] };
}): string | undefined {
  return json.errors?.find(({ parameter }) => parameter === "security contact")?.detail;
}
