import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { dayMs, hourMs, timestamp } from "#lib/time.ts";
import { type Instance, startInstance } from "#test/contract/instance.ts";

// `npm run keyline -- doctor` as it is typed, of a deployment that `npm start` made: as it is at first, and with one
// thing after another broken by hand. What it says of an address on the internet is doctor-transport.check.ts's.

/** What nobody can look at locally. */
const unseenLocally = [
  "Locks on the audit log's buckets",
  "Copies of the audit's logs",
  "PUBLIC_ORIGIN, SECURITY_CONTACT and the databases' ids",
  "Plain http",
  "The least version of TLS",
];
const alter = `
  import { localBindings } from "./src/cli/bindings.ts";
  const { env, dispose } = await localBindings();
  const [name, ...texts] = process.argv.slice(2);
  for (const text of texts) await env[name].prepare(text).run();
  await dispose();
`;
const long = ago(400 * dayMs);
const older = ago(401 * dayMs);
const week = ago(8 * dayMs);
const hours = ago(3 * hourMs);
let instance: Instance;

before(async () => {
  instance = await startInstance();
  writeFileSync(join(instance.home, "alter.mjs"), alter);
});

after(() => instance.stop());

test("a fresh deployment has nothing red, and what was not looked at is told", async () => {
  const { code, said } = await doctor("--url", instance.baseUrl);
  assert.deepEqual(marked(said, "RED"), []);
  assert.equal(code, 0, said);
  const unseen = marked(said, "?").map((line) => line.split(":")[0]);
  assert.deepEqual(unseen, unseenLocally);
  assert.match(
    said,
    new RegExp(`\n\\d\\d green, 0 to see to, 0 red, ${unseenLocally.length} not looked at\\.\n$`),
  );
  for (const group of [
    "Keys",
    "Schema",
    "Locks",
    "Limits",
    "Settings",
    "Transport and headers",
    "Owners",
    "Retention",
    "Pending sweeps",
  ])
    assert.match(said, new RegExp(`^${group}\n {2}(?:ok|\\?)`, "m"));
  assert.ok(!said.includes("\u001b"), "no colours where nobody sees them");
});

test("a webhook's secret that only its tenant can rotate is warned of, and fails nothing", async () => {
  // Nobody mends anything meanwhile, nor breaks: cron runs where something serves.
  await instance.halt();
  const sign = (state: string, since: string) =>
    ran(
      "alter.mjs",
      "CELL_US1",
      `update webhook_endpoints set state = '${state}', secret_created_at = '${since}'`,
    );
  await sign("enabled", ago(364 * dayMs));
  assert.deepEqual(marked((await doctor()).said, "WARN"), []);
  await sign("enabled", long);
  const { code, said } = await doctor();
  assert.deepEqual(marked(said, "WARN"), ["1 secret of webhooks older than a year."]);
  assert.match(said, /^ {7}-> their tenants have been told, and alone can rotate them/m);
  assert.match(said, / 1 to see to, 0 red, /);
  assert.equal(code, 0, said);
  await sign("disabled", long);
});

/** By hand: where, what is executed there, and what the doctor then says in red. */
const broken: readonly (readonly [
  what: string,
  database: string,
  texts: readonly string[],
  says: readonly RegExp[],
])[] = [
  [
    "keys that nobody tends",
    "DIRECTORY",
    [
      `update signing_keys set signs_from = '${long}'`,
      "delete from key_peppers",
      "delete from checkpoint_keys",
      `update tenant_keys set created_at = '${long}', checked_at = '${week}'`,
      `insert into key_rotations (tenant_id, key_id, step, position, started_at) values ('platform', 'tky_x', 'subjects', '', '${week}')`,
    ],
    [
      /The signing key is 400 days old and has no successor, though its term is 30 days\./,
      /There is no key that signs the audit's heads\./,
      /There is no key pepper\./,
      /1 owner of keys whose newest is older than 365 days/,
      /1 owner of keys that cron has not looked at for two days\./,
      /1 rotation of keys under way for more than a week\./,
    ],
  ],
  [
    "a key-encryption key that wraps for too long",
    "DIRECTORY",
    [`update tenant_keys set created_at = '${older}'`],
    [/The newest key-encryption key, kek1, has wrapped for 401 days, longer than 400 days\./],
  ],
  [
    "a person's key that may have sealed too often",
    "CELL_US1",
    [
      "update counters set value = 8388608 where name = 'event' and tenant_id = (select min(tenant_id) from counters)",
    ],
    [/1 owner who sealed so much that a person's key may have done so 2147483648 times\./],
  ],
  [
    "a key that has sealed too often",
    "CELL_EU1",
    ["update tenant_keys set uses = 2147483648"],
    [/2 owners of keys whose newest .* has sealed too often\./],
  ],
  [
    "a trigger that is gone, and a CHECK",
    "CELL_US1",
    ["drop trigger audit_log_refuses_update", "alter table purge_permits add column note text"],
    [
      /cell-us1: the trigger audit_log_refuses_update is missing\./,
      /cell-us1: the table purge_permits is not as the migrations left it\./,
    ],
  ],
  [
    "a newer migration than this code's",
    "LOG_US1",
    ["insert into d1_migrations (name) values ('9999_newer.sql')"],
    [/log-us1 has migrations that this code does not know/],
  ],
  [
    "what should have been deleted",
    "CELL_US1",
    [
      `insert into commits (tenant_id, id, created_at) values ('ten_x', 'cmt_1', '${long}'), ('ten_x', 'cmt_2', '${long}')`,
      `insert into webhook_attempts (tenant_id, id, delivery_id, outcome, duration_ms, created_at) values ('ten_x', 'whA_1', 'whd_1', 'answered', 1, '${long}')`,
    ],
    [/cell-us1 keeps what should be gone: commits \(2 rows\), webhook_attempts \(1 row\)\./],
  ],
  [
    "calls that should have been deleted",
    "LOG_EU1",
    [
      `insert into call_hours (tenant_id, hour, purged) values ('ten_x', '${long}', 1)`,
      `insert into call_hours (tenant_id, hour) values ('ten_x', '${ago(9 * dayMs)}')`,
      `insert into capability_uses (tenant_id, actor_id, capability, last_day) values ('ten_x', 'key_1', 'orders:read', '${long.slice(0, 10)}'), ('ten_x', 'key_2', 'orders:read', '${ago(90 * dayMs).slice(0, 10)}')`,
      `insert into call_hours (tenant_id, hour, logged, purged) values ('ten_x', '${ago(4 * hourMs)}', 1, 0)`,
    ],
    [
      /log-eu1 keeps what should be gone: calls \(1 row\), call counts and archives \(1 row\), uses of capabilities \(1 row\)\./,
      /Cell eu1: 1 hour of calls to be archived for more than 120 minutes\./,
    ],
  ],
  [
    "sweeps that are behind",
    "CELL_EU1",
    [
      `insert into events (tenant_id, seq, id, type, data, actor_kind, actor_id, request_id, created_at) values ('ten_x', 1, 'evt_1', 'order.created', '{}', 'system', 'system', 'run_1', '${hours}')`,
      `insert into intents (tenant_id, id, operation, principal_id, request_id, state, intent, due_at, created_at) values ('ten_x', 'int_1', 'drawings.draw', 'system', 'run_1', 'intended', '{}', '${hours}', '${hours}'), ('ten_y', 'int_2', 'drawings.draw', 'system', 'run_1', 'intended', '{}', '${hours}', '${hours}')`,
      `insert into webhook_queues (tenant_id, endpoint_id, next_due_at) values ('ten_x', 'whe_1', '${hours}')`,
      `insert into audit_log (tenant_id, seq, id, operation, action, entity, entity_id, row, actor_kind, actor_id, request_id, created_at) values ('ten_x', 1, 'aud_1', 'x', 'note', 'x', 'x', '{}', 'system', 'system', 'run_1', '${hours}')`,
      "insert into counters (tenant_id, name, value) values ('ten_x', 'audit', 1)",
      "insert into counters (tenant_id, name, value, logged) values ('ten_y', 'audit', 7, 3), ('ten_z', 'audit', 900, 1000)",
    ],
    [
      /Cell eu1: 1 tenant with events that nobody took for more than 10 minutes\./,
      /Cell eu1: 2 effects intended and never settled for more than 15 minutes\./,
      /Cell eu1: 1 endpoint with webhooks due/,
      /Cell eu1: 2 owners of audit rows that are no leaves of their log for more than 10 minutes\./,
      /Cell eu1: 1 owner with fewer audit rows than leaves of its log\./,
    ],
  ],
  [
    "a business that nobody owns",
    "CELL_US1",
    [
      "update members set state = 'suspended' where role = 'owner' and tenant_id = (select min(tenant_id) from members)",
    ],
    [/Cell us1: 1 tenant that nobody owns\./],
  ],
  [
    "files that nobody deals with",
    "CELL_US1",
    [
      `insert into files (tenant_id, id, customer_id, document_id, revision, name, media_type, state, sweep_at, version, created_at, updated_at) select tenant_id, 'fil_1', id, 'doc_1', 1, 'x', 'x', 'checking', '${hours}', 1, '${hours}', '${hours}' from customers limit 1`,
      `insert into files (tenant_id, id, customer_id, document_id, revision, name, media_type, state, sweep_at, version, created_at, updated_at) select tenant_id, 'fil_2', id, 'doc_2', 1, 'x', 'x', 'pending', '${week}', 1, '${week}', '${week}' from customers limit 1`,
    ],
    [
      /Cell us1: 1 file to be checked for more than 60 minutes\./,
      /Cell us1: 1 file to be purged for more than 1440 minutes\./,
    ],
  ],
];

test("whatever is broken in a database is red, under its own words, each with what to do", async () => {
  let reds = 0;
  for (const [what, database, texts, says] of broken) {
    const altered = await ran("alter.mjs", database, ...texts);
    assert.equal(altered.code, 0, `${what}: ${altered.said}`);
    const { code, said } = await doctor();
    const red = marked(said, "RED");
    assert.equal(code, 1);
    for (const each of says) assert.match(red.join("\n"), each, what);
    assert.equal(said.match(/^ {7}-> /gm)?.length, red.length, "each red one says what to do");
    assert.doesNotMatch(said, /\n\s+at |undefined|\[object/);
    reds = red.length;
  }
  assert.equal(reds, broken.flatMap(([, , , says]) => says).length - 1);
});

test("what wrangler.toml lacks is red, and keys that are not at hand open nothing", async () => {
  const path = join(instance.home, "wrangler.toml");
  const whole = readFileSync(path, "utf8");
  const cut = [
    /\[\[ratelimits\]\][^[]*/,
    /\[\[queues\.producers\]\]\s+binding = "WEBHOOKS_EU1"[^[]*/,
    /\[\[queues\.consumers\]\]\s+queue = "keyline-calls-us1"[^[]*/,
    /(?<=bucket_name = "keyline-audit-log-eu1"\s+)jurisdiction = "eu"/,
    /compatibility_flags = .*/,
  ];
  let left = whole
    .replace('crons = ["* * * * *"]', 'crons = ["0 * * * *"]')
    .replace('MIN_TLS = "1.3"', 'MIN_TLS = "1.0"');
  for (const piece of cut) {
    assert.match(left, piece);
    left = left.replace(piece, "");
  }
  writeFileSync(path, left);
  writeFileSync(
    join(instance.home, ".dev.vars"),
    `KEYLINE_KEKS="1:${"A".repeat(43)},2:${"B".repeat(42)}A"\n`,
  );
  const red = marked((await doctor()).said, "RED").join("\n");
  for (const says of [
    /Nothing holds an address before it is authenticated\./,
    /Not bound: WEBHOOKS_EU1\./,
    /Nobody consumes keyline-calls-us1\./,
    /Not in the EU: keyline-audit-log-eu1\./,
    /Cron does not run every minute\./,
    /MIN_TLS is "1\.0"\./,
    /A webhook could be sent to the account's own Workers\./,
    /The key-encryption keys do not open the directory's own\./,
    /3 owners of keys that kek2 does not wrap\./,
  ])
    assert.match(red, says);
});

test("a database that cannot be read is red in each group that asked it, and the others are graded all the same", async () => {
  const altered = await ran("alter.mjs", "DIRECTORY", "drop table tenant_keys");
  assert.equal(altered.code, 0, altered.said);
  const { code, said } = await doctor();
  assert.equal(code, 1);
  assert.match(said, /^Keys\n {2}RED {2}This could not be looked at: .*no such table: tenant_keys/m);
  assert.match(said, /directory: the table tenant_keys is missing\./);
  assert.match(said, /^ {2}ok {3}directory: nothing of 5 kinds is kept/m);
});

test("an address that is none, and an option of another command, are refused", async () => {
  for (const url of ["keyline.example", "https://keyline.example/docs"])
    assert.match((await doctor("--url", url)).said, /--url takes an origin/);
  assert.match((await doctor("--tenant", "harbour-cafe")).said, /doctor \[--url …\]/);
});

/** What stands under one mark, each as one line. */
function marked(said: string, mark: "RED" | "WARN" | "?"): string[] {
  const lead = `  ${mark.padEnd(4)} `;
  const found: string[] = [];
  let isInside = false;
  for (const line of said.split("\n")) {
    if (line.startsWith(lead)) found.push(line.slice(lead.length));
    else if (isInside && /^ {7}(?!-> )\S/.test(line)) found.push(`${found.pop()} ${line.trim()}`);
    else {
      isInside = false;
      continue;
    }
    isInside = true;
  }
  return found;
}

function ago(ms: number): string {
  return timestamp(Date.now() - ms);
}

function doctor(...args: string[]) {
  return ran("src/cli/keyline.ts", "doctor", ...args);
}

async function ran(...args: string[]): Promise<{ code: number; said: string }> {
  const { KEYLINE_KEKS: _, ...environment } = process.env;
  const env = { ...environment, WRANGLER_SEND_METRICS: "false" };
  return await new Promise((resolve) =>
    execFile("node", args, { cwd: instance.home, env }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), said: stdout + stderr }),
    ),
  );
}
