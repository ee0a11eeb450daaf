import { beforeAll, expect, test, vi } from "vitest";
import { newestMigrations } from "#db/schema-check.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { cellsOf } from "#platform/cells.ts";
import { clientOf } from "#test/client.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { envWith, proxied, rowsOf } from "#test/world.ts";

const { call } = clientOf();

beforeAll(() => ensureDirectoryKeys(testEnv(), Date.now()));

const broken: Readonly<Record<string, { changes: Record<string, unknown>; check: string }>> = {
  "a cell's database": { changes: { CELL_EU1: undefined }, check: "schema of cell eu1" },
  "a cell's bucket": { changes: { FILES_EU1: undefined }, check: "files of cell eu1" },
  "a cell's queue": { changes: { AUDIT_EVENTS_US1: {} }, check: "queue of cell us1" },
  "a cell's queue of webhooks": {
    changes: { WEBHOOKS_EU1: undefined },
    check: "queue of webhooks of cell eu1",
  },
  "a cell's log": { changes: { LOG_EU1: undefined }, check: "schema of the log of cell eu1" },
  "a cell's call archive": { changes: { CALL_ARCHIVE_US1: undefined }, check: "call archive of cell us1" },
  "a cell's audit log": { changes: { AUDIT_LOG_EU1: undefined }, check: "audit log of cell eu1" },
  "the platform's audit log": {
    changes: { AUDIT_LOG_PLATFORM: undefined },
    check: "audit log of the platform",
  },
  "a cell's queue of calls": { changes: { CALLS_US1: undefined }, check: "queue of calls of cell us1" },
  "a cell's queue of audit sinks": {
    changes: { SINKS_US1: undefined },
    check: "queue of audit sinks of cell us1",
  },
  "a list of audit sinks": { changes: { AUDIT_SINKS: '[{"name":"vault"}]' }, check: "audit sinks" },
  "the service for breached passwords": {
    changes: { PWNED_PASSWORDS_URL: "api.pwnedpasswords.com" },
    check: "breached passwords",
  },
  "who carries mail": { changes: { MAIL: "pigeon" }, check: "mail" },
  "whom mail is from": { changes: { MAIL_FROM: "keyline@example.com" }, check: "mail" },
  "Postmark's token": { changes: { MAIL: "postmark", POSTMARK_SERVER_TOKEN: undefined }, check: "mail" },
  "a password for Postmark's webhooks": {
    changes: { MAIL: "postmark", POSTMARK_WEBHOOK_PASSWORD: "short" },
    check: "mail",
  },
  "Cloudflare's binding for mail": { changes: { MAIL: "cloudflare", EMAIL: undefined }, check: "mail" },
  "the mailbox of a deployment under development": { changes: { MAILBOX: undefined }, check: "mail" },
  "who carries texts": { changes: { SMS: "pigeon" }, check: "texts" },
  "whom texts are from": { changes: { SMS: "twilio", SMS_FROM: "Keyline" }, check: "texts" },
  "Twilio's account": { changes: { SMS: "twilio", TWILIO_ACCOUNT_SID: undefined }, check: "texts" },
  "Twilio's token": { changes: { SMS: "twilio", TWILIO_AUTH_TOKEN: undefined }, check: "texts" },
  "the queue of mails": { changes: { MAILS: undefined }, check: "mail" },
  "the gates": { changes: { GATES: undefined }, check: "gates" },
  "the lockouts": { changes: { LOCKOUTS: undefined }, check: "lockouts" },
  "the budgets of texts": { changes: { BUDGETS: undefined }, check: "budgets" },
  "the least version of TLS": { changes: { MIN_TLS: "TLSv1.3" }, check: "transport" },
  "the key-encryption keys": { changes: { KEYLINE_KEKS: "" }, check: "key-encryption keys" },
};

for (const [what, { changes, check }] of Object.entries(broken)) {
  test(`without ${what} it is not ready, says which check failed and what to do, and nothing of the rest`, async () => {
    const { status, json, text } = await ready(envWith({ SMS: "", ...changes }));
    expect([status, json.type]).toEqual([503, "/problems/unavailable"]);
    // Without what wraps them, the directory's keys do not open either.
    const failed = json.errors.map(({ parameter }: { parameter: string }) => parameter);
    expect(failed.filter((name: string) => name !== "directory keys")).toEqual([check]);
    expect(text).not.toMatch(/audit_log|\.sql|binding/i);
  });
}

// What they are stands in the migrations alone: each that lies there is one that readiness asks for.
test("each trigger that is gone, of whichever database, is named in the log, and not to whoever asks", async () => {
  const printed = vi.spyOn(console, "error").mockReturnValue();
  let dropped = 0;
  for (const [check, database] of databases()) {
    const triggers = await rowsOf<{ name: string; sql: string }>(
      database,
      "select name, sql from sqlite_master where type = 'trigger'",
    );
    for (const { name, sql } of triggers) {
      printed.mockClear();
      await database.prepare(`drop trigger ${name}`).run();
      const { status, json, text } = await ready(envWith({}));
      await database.prepare(sql).run();
      expect([status, json.errors.length], name).toEqual([503, 1]);
      expect(json.errors).toMatchObject([{ parameter: check }]);
      expect(text).not.toContain(name);
      expect(printed.mock.calls.map(([line]) => JSON.parse(String(line)))).toMatchObject([
        { check, faults: `the trigger ${name} is missing` },
      ]);
      dropped += 1;
    }
  }
  printed.mockRestore();
  // Nine of the kernel's and four of the vault's in the directory and in each of two cells, and none in a log; two of
  // support's in each of the three.
  expect(dropped).toBe(45);
  expect((await ready(envWith({}))).status).toBe(200);
});

test("a trigger that was made to do nothing is named in the log, and not to whoever asks", async () => {
  const printed = vi.spyOn(console, "error").mockReturnValue();
  const name = "audit_log_refuses_update";
  const [[check, database]] = databases();
  const [made] = await rowsOf<{ sql: string }>(
    database,
    "select sql from sqlite_master where name = ?",
    name,
  );
  const sql = String(made?.sql);
  for (const text of [`drop trigger ${name}`, sql.replace("before update", "before update of id")])
    await database.prepare(text).run();
  const { status, json, text } = await ready(envWith({}));
  for (const undone of [`drop trigger ${name}`, sql]) await database.prepare(undone).run();
  const lines = printed.mock.calls.map(([line]) => JSON.parse(String(line)));
  printed.mockRestore();
  expect([status, json.errors.length]).toEqual([503, 1]);
  expect(text).not.toContain(name);
  expect(lines).toMatchObject([{ check, faults: `the trigger ${name} is not as the migrations left it` }]);
  expect((await ready(envWith({}))).status).toBe(200);
});

test("a database without its newest migration is not ready", async () => {
  for (const [check, database] of databases()) {
    const kind = check.startsWith("directory") ? "directory" : check.includes(" log ") ? "log" : "cell";
    const name = newestMigrations[kind];
    await rowsOf(database, "delete from d1_migrations where name = ?", name);
    const { status, json } = await ready(envWith({}));
    await rowsOf(database, "insert into d1_migrations (name) values (?)", name);
    expect([status, json.errors.length], check).toEqual([503, 1]);
    expect(json.errors).toMatchObject([{ parameter: check }]);
  }
  expect((await ready(envWith({}))).status).toBe(200);
});

test("a directory that has no pepper, or no signing key, is not ready, though its keys could be opened", async () => {
  const { DIRECTORY } = testEnv();
  for (const table of ["key_peppers", "signing_keys"]) {
    const [row = {}] = await rowsOf(DIRECTORY, `select * from ${table}`);
    await rowsOf(DIRECTORY, `delete from ${table}`);
    // What an isolate has read of a directory it keeps a while: this one has read nothing yet.
    const { status, json } = await ready(envWith({ DIRECTORY: proxied(DIRECTORY, {}) }));
    const marks = Object.keys(row).map(() => "?");
    await rowsOf(DIRECTORY, `insert into ${table} values (${marks.join()})`, ...Object.values(row));
    expect([status, json.errors.length], table).toEqual([503, 1]);
    expect(json.errors).toMatchObject([{ parameter: "directory keys" }]);
  }
  expect((await ready(envWith({ DIRECTORY: proxied(DIRECTORY, {}) }))).status).toBe(200);
});

test("each way to carry mail and texts is ready where it has all it needs; the example's sender will do on one's own machine", async () => {
  for (const MAIL of ["cloudflare", "postmark", "mailbox"])
    expect((await ready(envWith({ MAIL, SMS: "" }))).status, MAIL).toBe(200);
  for (const SMS of ["", "twilio", "mailbox"]) expect((await ready(envWith({ SMS }))).status, SMS).toBe(200);
  const deployed = {
    MAIL: "cloudflare",
    SMS: "twilio",
    PUBLIC_ORIGIN: "https://api.keyline.test",
    SECURITY_CONTACT: "https://keyline.test/security",
    OUTSIDE_ISSUERS: "[]",
  };
  const { status, json } = await ready(envWith(deployed));
  expect([status, json.errors]).toMatchObject([503, [{ parameter: "mail" }]]);
  expect((await ready(envWith({ ...deployed, MAIL_FROM: "Keyline <mail@keyline.test>" }))).status).toBe(200);
});

test("a migration that is newer than this code is no fault", async () => {
  const database = testEnv().CELL_EU1 as D1Database;
  await database.prepare("insert into d1_migrations (name) values ('9999_newer.sql')").run();
  const { status } = await ready(envWith({}));
  await database.prepare("delete from d1_migrations where name = '9999_newer.sql'").run();
  expect(status).toBe(200);
});

test("the newest migration of each kind is the folder's last", () => {
  const migrations = testEnv().TEST_MIGRATIONS;
  for (const kind of ["directory", "cell", "log"] as const)
    expect([kind, newestMigrations[kind]]).toEqual([kind, migrations[kind].at(-1)?.name]);
});

test("a deployment with all its bindings is ready, and each of a cell's was looked at", async () => {
  const { status, json } = await ready(envWith({}));
  expect(status).toBe(200);
  const names = json.checks.map(({ name }: { name: string }) => name);
  for (const { id } of cellsOf(testEnv()))
    for (const what of [
      "schema",
      "schema of the log",
      "files",
      "call archive",
      "audit log",
      "queue",
      "queue of webhooks",
      "queue of calls",
    ])
      expect(names).toContain(`${what} of cell ${id}`);
});

type Named = [check: string, database: D1Database];

/** Every database, by the check that looks at it. */
function databases(): [Named, ...Named[]] {
  return [
    ["directory schema", testEnv().DIRECTORY],
    ...cellsOf(testEnv()).flatMap(({ id, database, log }): Named[] => [
      [`schema of cell ${id}`, database],
      [`schema of the log of cell ${id}`, log],
    ]),
  ];
}

function ready(env: TestEnv) {
  return call("system.ready", { env });
}
