import { expect, test, vi } from "vitest";
import { minuteMs } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { found } from "#test/canaries.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { deletionEvent, membershipEvent, newIssuer } from "#test/outside.ts";
import { webhookHeaders } from "#test/svix.ts";
import { rowsOf } from "#test/world.ts";
import { grown, tablesOf, written } from "#test/written.ts";
import { deliver, fresh, issuer, listOrders, membersOf, newPlace, post, tokenOf } from "./kit.ts";

test("a message is done once, however often it comes", async () => {
  const place = await newPlace();
  const event = membershipEvent("created", { ...place, role: "org:guest" });
  const id = "msg_again";
  const first = await Promise.all(Array.from({ length: 5 }, () => deliver(event, { id })));
  expect(first.map(({ status }) => status)).toEqual(Array(5).fill(204));
  expect(await membersOf(place)).toHaveLength(1);
  const before = await written();
  for (let times = 0; times < 3; times += 1) expect((await deliver(event, { id })).status).toBe(204);
  expect(grown(before, await written())).toEqual({});
  // Remembered by its id: even where the rows were put back, it is not done again.
  await rowsOf(
    place.tenant.cell.database,
    "update outside_members set changed_ms = 1 where tenant_id = ?",
    place.tenant.tenantId,
  );
  const later = membershipEvent("updated", { ...place, role: "org:admin", at: 1_790_000_000_001 });
  expect((await deliver(later, { id })).status).toBe(204);
  expect(await membersOf(place)).toMatchObject([{ role: "viewer" }]);
});

test("of organizations, people and kinds of events that are not ours, nothing is kept", async () => {
  await newPlace();
  const stranger = { organization: "org_stranger", subject: "user_stranger" };
  const before = await written();
  for (const event of [
    membershipEvent("created", stranger),
    membershipEvent("deleted", stranger),
    deletionEvent("user", "user_stranger"),
    deletionEvent("organization", "org_stranger"),
    { type: "user.created", data: { id: "user_1", email_addresses: [] } },
    { type: "session.ended", data: { id: "sess_1" } },
  ])
    expect((await deliver(event)).status).toBe(204);
  expect(grown(before, await written())).toEqual({});
});

test("what is not genuine is refused, and nothing is written", async () => {
  const place = await newPlace();
  const event = membershipEvent("created", { ...place, role: "org:admin" });
  const body = JSON.stringify(event);
  const at = (nowMs: number) => webhookHeaders([issuer.secret], { id: "msg_1", nowMs, body });
  const other = await newIssuer();
  const forged: Record<string, string>[] = [
    {},
    { ...(await at(Date.now())), "svix-signature": "v1,AAAA" },
    { ...(await at(Date.now())), "svix-id": "msg_2" },
    await at(Date.now() - 6 * minuteMs),
    await at(Date.now() + 6 * minuteMs),
    await webhookHeaders([other.secret], { id: "msg_1", nowMs: Date.now(), body }),
    {
      ...(await webhookHeaders([issuer.secret], { id: "msg_1", nowMs: Date.now(), body }, "webhook")),
      "svix-id": "x",
    },
  ];
  const before = await written();
  for (const headers of forged) {
    const answer = await post(issuer.name, body, headers);
    expect([answer.status, answer.json.type]).toEqual([400, "/problems/signature-invalid"]);
  }
  const theirs = await webhookHeaders([other.secret], { id: "msg_1", nowMs: Date.now(), body });
  expect((await post(other.name, body, theirs, issuer.env({}, other))).status, "of its own issuer").toBe(204);
  expect(grown(before, await written())).toEqual({});
  expect(
    (
      await post(
        issuer.name,
        body,
        await webhookHeaders([issuer.secret], { id: "msg_1", nowMs: Date.now(), body }, "webhook"),
      )
    ).status,
  ).toBe(204);
  expect(await membersOf(place)).toHaveLength(1);
});

test("an issuer that is not known, has no secret, or is not Clerk takes no webhooks", async () => {
  const place = await newPlace();
  const { body, headers } = await issuer.message(membershipEvent("created", place));
  const otherForm = await newIssuer({ claims: { organization: "/org", role: "/role" } });
  const envs: [name: string, env: TestEnv][] = [
    ["nobody", issuer.env()],
    [issuer.name, issuer.env({ OUTSIDE_ISSUER_SECRETS: undefined })],
    [issuer.name, issuer.env({ OUTSIDE_ISSUERS: "[]" })],
    [otherForm.name, otherForm.env()],
    ["Clerk", issuer.env()],
    ["%2e%2e", issuer.env()],
  ];
  for (const [name, env] of envs) {
    const answer = await post(name, body, headers, env);
    expect([name, answer.status, answer.json.type]).toEqual([name, 404, "/problems/not-found"]);
  }
});

test("secrets rotate: both of an overlap are taken, then the new one alone", async () => {
  const place = await newPlace();
  const old = issuer.secret;
  const next = `whsec_${btoa("another secret of 27 bytes.")}`;
  const sent = async (secret: string, secrets: string[]) => {
    const body = JSON.stringify(membershipEvent("created", place));
    const headers = await webhookHeaders([secret], { id: newId("msg"), nowMs: Date.now(), body });
    const text = secrets.map((each) => `${issuer.name}:${each}`).join(",");
    return (await post(issuer.name, body, headers, issuer.env({ OUTSIDE_ISSUER_SECRETS: text }))).status;
  };
  expect([await sent(old, [old, next]), await sent(next, [old, next])]).toEqual([204, 204]);
  expect([await sent(old, [next]), await sent(next, [next])]).toEqual([400, 204]);
});

test("what is signed but of no form that we know fails, to be seen by the operator and sent again", async () => {
  for (const event of [[], { type: 1 }, { type: "organizationMembership.created", data: {} }]) {
    const answer = await deliver(event);
    expect([answer.status, answer.json.type]).toEqual([422, "/problems/invalid"]);
  }
  const huge = await deliver({ type: "email.created", data: { body: "x".repeat(256 * 1024) } });
  expect([huge.status, huge.json.type]).toEqual([413, "/problems/too-large"]);
});

test("names, addresses and the issuer's ids of people lie nowhere in the open", async () => {
  const place = await newPlace();
  const printed: string[] = [];
  for (const level of ["info", "warn", "error"] as const)
    vi.spyOn(console, level).mockImplementation((...line) => void printed.push(line.map(String).join(" ")));
  await deliver(membershipEvent("created", { ...place, membership: "orgmem_1" }));
  await listOrders(place, await tokenOf(place, "org:member"), fresh());
  vi.restoreAllMocks();
  const rows: unknown[] = [printed];
  for (const [id, database] of [
    ["directory", testEnv().DIRECTORY],
    [place.tenant.cell.id, place.tenant.cell.database],
  ] as const)
    for (const table of await tablesOf(id, database))
      rows.push(await rowsOf(database, `select * from "${table}"`));
  const words = [place.subject, "zqclerkperson@canary.example", "Zqclerkname"];
  expect(printed.length).toBeGreaterThan(1);
  expect(found(words, JSON.stringify(rows))).toEqual([]);
  expect(found(words, JSON.stringify([rows, `to ${place.subject}`]))).toEqual([place.subject]);
});
