import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

// The operator's commands as they are typed, on local databases of their own.

const root = new URL("../..", import.meta.url).pathname;
const home = mkdtempSync(join(tmpdir(), "keyline-commands-"));
const bin = join(root, "node_modules/.bin");
const issuer = {
  name: "clerk",
  issuer: "https://clerk.keyline.example",
  authorizedParties: ["https://app.keyline.example"],
  roles: { "org:admin": "admin" },
};
const node = join(bin, "node");
const seed = `
  import { prepareDemo } from "./src/cli/demo.ts";
  import { localBindings } from "./src/cli/bindings.ts";
  await prepareDemo(null);
  const { env, dispose } = await localBindings();
  const [row] = (await env.CELL_US1.prepare("select id from members where role = 'owner'").all()).results;
  console.log("owner=" + row.id);
  const [key] = (await env.CELL_US1.prepare("select id from api_keys where all_locations = 0").all()).results;
  console.log("till=" + key.id);
  await env.CELL_US1.prepare("insert into security_policies (tenant_id, id, second_factor, second_factor_since, allows_sms, ip_allow_list, version, created_at, updated_at) select id, 'spo_1', 'off', '2026-01-01', 0, json_array('192.0.2.0/24'), 1, '2026-01-01', '2026-01-01' from tenants").run();
  const [user] = (await env.DIRECTORY.prepare("select user_id from memberships").all()).results;
  console.log("user=" + user.user_id);
  await dispose();
`;
const age = `
  import { localBindings } from "./src/cli/bindings.ts";
  const { env, dispose } = await localBindings();
  for (const database of [env.DIRECTORY, env.CELL_US1, env.CELL_EU1])
    await database.prepare("update tenant_keys set created_at = '2026-01-01T00:00:00.000Z'").run();
  for (const database of [env.CELL_US1, env.CELL_EU1])
    await database.prepare("update webhook_endpoints set state = 'enabled', secret_created_at = '2025-01-01T00:00:00.000Z'").run();
  await dispose();
`;
const alter = `
  import { localBindings } from "./src/cli/bindings.ts";
  const { env, dispose } = await localBindings();
  const [name, ...texts] = process.argv.slice(2);
  for (const text of texts) await env[name].prepare(text).run();
  await dispose();
`;
let owner = "";
let till = "";
let user = "";

before(() => {
  for (const entry of ["src", "migrations", "wrangler.toml", "package.json", "tsconfig.json"])
    cpSync(join(root, entry), join(home, entry), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(home, "node_modules"));
  const config = join(home, "wrangler.toml");
  const configured = readFileSync(config, "utf8").replace(
    'OUTSIDE_ISSUERS = "[]"',
    `OUTSIDE_ISSUERS = '${JSON.stringify([issuer])}'`,
  );
  assert.match(configured, /clerk\.keyline\.example/, "wrangler.toml has no empty OUTSIDE_ISSUERS");
  writeFileSync(config, configured);
  writeFileSync(join(home, ".dev.vars"), `KEYLINE_KEKS="1:${"A".repeat(43)}"\n`);
  for (const database of ["DIRECTORY", "CELL_US1", "CELL_EU1", "LOG_US1", "LOG_EU1"]) {
    const migrated = typed(join(bin, "wrangler"), "d1", "migrations", "apply", database, "--local");
    assert.equal(migrated.code, 0, migrated.said);
  }
  writeFileSync(join(home, "seed.mjs"), seed);
  const seeded = typed(node, "seed.mjs");
  assert.equal(seeded.code, 0, seeded.said);
  owner = /owner=(mbr_\w+)/.exec(seeded.said)?.[1] ?? "";
  till = /till=(key_\w+)/.exec(seeded.said)?.[1] ?? "";
  user = /user=(usr_\w+)/.exec(seeded.said)?.[1] ?? "";
});

after(() => rmSync(home, { recursive: true, force: true }));

test("an organization is linked, once, then its owner, and unlinked again", () => {
  const link = ["link-organization", "--issuer", "clerk", "--organization", "org_1", "--tenant"];
  expectDone(keyline(...link, "northside-signs"), /^Linked\./);
  expectRefused(keyline(...link, "harbour-cafe"), /Another tenant has this organization/);
  const person = ["--issuer", "clerk", "--organization", "org_1", "--subject", "user_1", "--member"];
  expectDone(keyline("link-member", ...person, owner), /^Linked:/);
  expectDone(keyline("unlink-organization", "--issuer", "clerk", "--organization", "org_1"), /^Unlinked\./);
});

test("whoever is a member of a business, or has no account, becomes no support agent", () => {
  expectDone(keyline("agent", "list"), /^There are none\.$/m);
  const add = (who: string, role: string) => keyline("agent", "add", "--user", who, "--role", role);
  expectRefused(add(user, "owner"), /no such role/);
  expectRefused(add(user, "reader"), /They are a member of a business/);
  expectRefused(add(owner.replace("mbr_", "usr_"), "reader"), /no such account/);
  expectRefused(keyline("agent", "remove", "--agent", "agt_nobody"), /no such agent/);
});

test("a key is held to another rate than its plan's, until a moment within 90 days", () => {
  const until = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
  const limit = (key: string, days: number) => [
    ...["limit", "--tenant", "northside-signs", "--key", key, "--per-minute", "20000", "--burst", "2000"],
    ...["--until", until(days), "--reason", "Their sale."],
  ];
  expectDone(keyline(...limit(till, 30)), /^key_\w+ is held to 20000 a minute, 2000 at once, until 20/);
  expectRefused(keyline(...limit(till, 91)), /^--until is more than 90 days away\./);
  expectRefused(keyline(...limit(owner, 30)), /^The tenant has no such key/);
  expectRefused(
    keyline("limit", "--tenant", "northside-signs", "--key", till),
    /npm run keyline -- <command>/,
  );
});

test("a business that locked itself out is let in from anywhere again", () => {
  const clear = ["clear-ip-allow-list", "--tenant"];
  expectDone(keyline(...clear, "northside-signs"), /^The tenant is let in from anywhere again\./);
  expectDone(keyline(...clear, "northside-signs"), /^The tenant is let in from anywhere\./);
  expectRefused(keyline(...clear, "nobody-has-this-slug"), /^No active tenant has this slug\./);
});

test("logs are let go on after a restore, of the store that is named and no other", () => {
  expectDone(keyline("audit", "resume", "--store", "us1"), /^1 logs may go on/);
  expectDone(keyline("audit", "resume", "--store", "directory"), /^1 logs may go on/);
  expectRefused(keyline("audit", "resume", "--store", "us9"), /There is no us9 here/);
  expectRefused(keyline("audit", "verify", "--owner", "nobody"), /There is no tenant nobody/);
  expectRefused(keyline("audit", "verify", "--owner", "platform"), /There is no signed head/);
});

test("keys are rotated, and what is left under older ones is told before and after", () => {
  expectDone(
    keyline("keys", "status"),
    /every tenant key is wrapped by kek1; .*\n.* 3 owners, 0 rotations.* a person's [1-9]\d*; the bound is 4294967296\.[\s\S]*Webhook secrets: none that signs is older/,
  );
  writeFileSync(join(home, ".dev.vars"), `KEYLINE_KEKS="1:${"A".repeat(43)},2:${"B".repeat(42)}A"\n`);
  writeFileSync(join(home, "age.mjs"), age);
  const aged = typed(node, "age.mjs");
  assert.equal(aged.code, 0, aged.said);
  expectRefused(
    keyline("keys", "status"),
    /3 tenants or more have keys that kek2 does not wrap; none may leave[\s\S]*Webhook secrets: 2 of those that sign are older than a year\./,
  );
  expectDone(
    keyline("keys", "rotate"),
    /every tenant key is wrapped by kek2; any other may leave [\s\S]* 0 wraps and 0 columns left; 0 may be removed, .* and 3 may not yet/,
  );
  expectDone(keyline("keys", "status"), /new API keys are made with version 1\.\n/);
  // Cut short and begun again, it goes on where it stood and rotates nobody twice.
  expectDone(keyline("keys", "rotate"), /and 3 may not yet/);
  writeFileSync(join(home, ".dev.vars"), `KEYLINE_KEKS="2:${"B".repeat(42)}A"\n`);
  expectDone(keyline("keys", "status"), /wrapped by kek2[\s\S]* 0 wraps and 0 columns left/);
  writeFileSync(join(home, ".dev.vars"), `KEYLINE_KEKS="1:${"A".repeat(43)}"\n`);
  expectRefused(keyline("keys", "rotate"), /could not be opened: wrong-key/);
  writeFileSync(join(home, ".dev.vars"), `KEYLINE_KEKS="1:${"A".repeat(43)},2:${"B".repeat(42)}A"\n`);
});

test("tombstones are written down once, and replayed; a line of elsewhere is told", () => {
  const file = join(home, "tombstones.ndjson");
  expectDone(keyline("tombstones", "export", "--file", file), /^0 tombstones are in /);
  expectRefused(keyline("tombstones", "export", "--file", file), /EEXIST/);
  const elsewhere = { tenantId: "ten_x", subjectId: "cus_x", destroyedAt: "2026-11-22T00:00:00.000Z" };
  writeFileSync(file, ["us1", "us9"].map((store) => `${JSON.stringify({ store, ...elsewhere })}\n`).join(""));
  expectRefused(
    keyline("tombstones", "replay", "--file", file),
    /^0 were destroyed again.*\n1 are of tenants that are not here\.\nThere is no cell us9 here\./,
  );
});

test("a schema that was altered is told, object by object, until it is as the migrations left it", () => {
  writeFileSync(join(home, "alter.mjs"), alter);
  const altered = (...texts: string[]) => {
    const outcome = typed(node, "alter.mjs", "LOG_EU1", ...texts);
    assert.equal(outcome.code, 0, outcome.said);
  };
  const good = ["directory", "cell-us1", "log-us1", "cell-eu1", "log-eu1"].map(
    (name) => `${name} is as its migrations left it\\.\\n`,
  );
  expectDone(keyline("schema", "check"), new RegExp(`^${good.join("")}$`));
  altered("drop index call_hours_by_age", "alter table call_counts add column who text");
  expectRefused(
    keyline("schema", "check"),
    /cell-eu1 is as .*\nlog-eu1:\n {2}the index call_hours_by_age is missing\n {2}the table call_counts is not as the migrations left it\nApply the/,
  );
  const index = /^create index call_hours_by_age [^;]*/m.exec(
    readFileSync(join(root, "migrations/log/0001_calls.sql"), "utf8"),
  );
  altered(index?.[0] ?? "", "alter table call_counts drop column who");
  expectDone(keyline("schema", "check"), /log-eu1 is as its migrations left it/);
});

test("what is typed wrongly is told, and how it is typed", () => {
  const organization = ["--organization", "org_1", "--tenant", "northside-signs"];
  expectRefused(
    keyline("link-organization", "--issuer", "okta", ...organization),
    /names no issuer okta; it has: clerk\./,
  );
  for (const args of [
    [],
    ["toString"],
    ["keys"],
    ["link-organization"],
    ["link-organization", "--issuer", "clerk", ...organization, "--member", owner],
    ["unlink-organization", "again", "--issuer", "clerk", "--organization", "org_1"],
  ])
    expectRefused(keyline(...args), /npm run keyline -- <command>/);
});

test("the deployed databases are not touched without the deployment's key", () => {
  const args = ["unlink-organization", "--issuer", "clerk", "--organization", "org_1", "--remote"];
  expectRefused(keyline(...args), /Set KEYLINE_KEKS/);
});

interface Outcome {
  readonly code: number | null;
  readonly said: string;
}

function keyline(...args: string[]): Outcome {
  return typed(node, "src/cli/keyline.ts", ...args);
}

function typed(command: string, ...args: string[]): Outcome {
  const { KEYLINE_KEKS: _, ...environment } = process.env;
  const env = {
    ...environment,
    PATH: `${bin}:${process.env.PATH}`,
    CI: "true",
    WRANGLER_SEND_METRICS: "false",
  };
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: home,
    env,
    encoding: "utf8",
    timeout: 60_000,
  });
  return { code: status, said: `${stdout}${stderr}` };
}

function expectDone({ code, said }: Outcome, expected: RegExp): void {
  assert.match(said, expected);
  assert.equal(code, 0);
}

function expectRefused({ code, said }: Outcome, expected: RegExp): void {
  assert.match(said, expected);
  assert.equal(code, 1);
}
