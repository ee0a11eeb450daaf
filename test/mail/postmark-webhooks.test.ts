import { beforeAll, expect, test } from "vitest";
import { platformTenant } from "#db/directory-tables.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { utf8 } from "#lib/utf8.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { carrier, deliver, newAddress, newMail, outcomesOf, resetMail } from "#test/mail/kit.ts";
import { postmarkAuthorization } from "#test/postmark-server.ts";
import { envWith, rowsOf, tapped } from "#test/world.ts";
import { grown, written } from "#test/written.ts";

const { call } = clientOf();

beforeAll(() => ensureDirectoryKeys(testEnv(), Date.now()));

const bounce = (Email: string, Type = "HardBounce") => ({
  RecordType: "Bounce",
  ID: 42,
  Type,
  Email,
  BouncedAt: "2026-11-23T00:00:00Z",
  Subject: "Choose a new password",
});
const complaint = (Email: string) => ({ RecordType: "SpamComplaint", Type: "SpamComplaint", Email });
const change = (Recipient: string, SuppressSending: boolean, SuppressionReason: string | null = null) => ({
  RecordType: "SubscriptionChange",
  ChangedAt: "2026-11-23T01:00:00Z",
  ...{ Recipient, SuppressSending, SuppressionReason },
});

function tell(body: unknown, authorization: string | null = postmarkAuthorization, env = testEnv()) {
  const headers = authorization === null ? {} : { Authorization: authorization };
  return call("mail.postmark", { body, headers, env });
}

/** Does a mail leave for this address. */
async function leaves(address: string): Promise<boolean> {
  const { env, sent } = carrier();
  const id = await newMail(resetMail(address));
  await deliver(id, env);
  expect(await outcomesOf(id)).toMatchObject([{ outcome: sent.length === 1 ? "sent" : "suppressed" }]);
  return sent.length === 1;
}

test("after a hard bounce or a complaint no mail leaves for an address, and the audit says why", async () => {
  const told: [object, string][] = [];
  for (const [event, reason] of [
    [bounce, "bounced"],
    [complaint, "complained"],
    [(address: string) => bounce(address, "BadEmailAddress"), "bounced"],
    [(address: string) => ({ ...bounce(address, "Blocked"), Inactive: true }), "bounced"],
    [(address: string) => change(address, true, "HardBounce"), "bounced"],
    [(address: string) => change(address, true, "SpamComplaint"), "complained"],
    [(address: string) => change(address, true, "ManualSuppression"), "inactive"],
  ] as const) {
    const address = newAddress();
    expect(await leaves(address)).toBe(true);
    expect((await tell(event(address))).status).toBe(204);
    expect(await leaves(address.toUpperCase())).toBe(false);
    told.push([event(address), reason]);
  }
  const rows = await rowsOf<{ row: string; actor_id: string }>(
    testEnv().DIRECTORY,
    "select row, actor_id from audit_log where tenant_id = ? and operation = 'mail.postmark' order by seq",
    platformTenant,
  );
  expect(rows.map(({ row, actor_id }) => [JSON.parse(row).reason, actor_id])).toEqual(
    told.map(([, reason]) => [reason, "postmark"]),
  );
});

test("what may be otherwise tomorrow changes nothing", async () => {
  const address = newAddress();
  const before = await written();
  for (const type of ["Transient", "SoftBounce", "DnsError", "AutoResponder", "Unknown"])
    expect((await tell({ ...bounce(address, type), Inactive: false })).status).toBe(204);
  for (const RecordType of ["Delivery", "Open", "Click", "OfNextYear"])
    expect((await tell({ RecordType, Recipient: address })).status).toBe(204);
  expect((await tell(change(address, false))).status).toBe(204);
  expect(grown(before, await written())).toEqual({});
  expect(await leaves(address)).toBe(true);
});

test("an address that was reactivated gets mail again, and an old bounce that is told again takes nothing back", async () => {
  const address = newAddress();
  await tell(bounce(address));
  expect(await leaves(address)).toBe(false);
  expect((await tell(change(address, false))).status).toBe(204);
  expect(await leaves(address)).toBe(true);
  const before = await written();
  expect((await tell(bounce(address))).status).toBe(204);
  expect(grown(before, await written())).toEqual({});
  expect(await leaves(address)).toBe(true);
  expect((await tell({ ...bounce(address), ID: 43 })).status).toBe(204);
  expect(await leaves(address)).toBe(false);
});

test("of ten messages about one address at once one row and one audit row come, whoever else tells of it", async () => {
  const address = newAddress();
  const before = await written();
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, index) => tell({ ...bounce(address), ID: index % 5 })),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(204));
  const added = grown(before, await written());
  expect([added["directory mail_suppressions"], added["directory audit_log"]]).toEqual([1, 1]);
});

test("a message that dies in its commit is done when it comes again", async () => {
  const address = newAddress();
  const { DIRECTORY } = testEnv();
  const dying = tapped(DIRECTORY, async (texts, run) => {
    if (texts.some((text) => text.startsWith('insert into "mail_suppressions"'))) throw new Error("Killed.");
    return await run();
  });
  expect((await tell(bounce(address), postmarkAuthorization, envWith({ DIRECTORY: dying }))).status).toBe(
    500,
  );
  expect(await leaves(address)).toBe(true);
  expect((await tell(bounce(address))).status).toBe(204);
  expect(await leaves(address)).toBe(false);
});

test("without the password nothing is read, and nothing is told of it", async () => {
  const before = await written();
  const [user] = postmarkAuthorization.split(" ");
  const wrong = [
    null,
    "",
    "Basic",
    `${user} ${btoa("postmark:")}`,
    `${postmarkAuthorization}=`,
    postmarkAuthorization.toLowerCase(),
  ];
  for (const authorization of wrong) {
    const { status, json } = await tell("no JSON object", authorization);
    expect([authorization, status, json.type]).toEqual([authorization, 400, "/problems/signature-invalid"]);
  }
  for (const password of [undefined, "", "short"]) {
    const env = envWith({ POSTMARK_WEBHOOK_PASSWORD: password });
    const sent = `Basic ${btoa(`postmark:${password ?? ""}`)}`;
    expect((await tell(bounce(newAddress()), sent, env)).status).toBe(404);
  }
  expect(grown(before, await written())).toEqual({});
});

test("what is malformed is refused as that, and writes nothing", async () => {
  const before = await written();
  const bytes = [utf8('{"RecordType":'), new Uint8Array([0xff, 0xfe])];
  for (const each of bytes) {
    const headers = { Authorization: postmarkAuthorization };
    const { status, json } = await call("mail.postmark", { bytes: each, headers });
    expect([status, json.type]).toEqual([422, "/problems/invalid"]);
  }
  const bodies = [
    [],
    7,
    {},
    bounce("nobody"),
    { ...complaint("a@b.example"), Email: 7 },
    { ...change("a@b.example", true), SuppressSending: "yes" },
  ];
  for (const body of bodies) expect((await tell(body)).status, JSON.stringify(body)).toBe(422);
  expect(grown(before, await written())).toEqual({});
});
