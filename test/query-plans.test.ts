import { expect, test, vi } from "vitest";
import { CellDoctor } from "#db/cell-doctor.ts";
import { CellSinks } from "#db/cell-sinks.ts";
import { CellSystem } from "#db/cell-system.ts";
import { knownTexts } from "#db/firewall.ts";
import { LogSystem } from "#db/log-system.ts";
import { cellKinds } from "#db/retention.ts";
import { type ResultRows, Store } from "#db/store.ts";
import { forgettables } from "#jobs/forget-rows.ts";
import { registry } from "#resources/index.ts";
import { testEnv } from "#test/env.ts";
import { planOf, planProblems } from "#test/query-plans.ts";
import { newTenant, rowsOf } from "#test/world.ts";

/** What one would write who forgot the tenant, and the line of the plan that gives it away. */
const unsafe: readonly [text: string, step: RegExp][] = [
  [`select "orders"."id" from "orders" where "orders"."tenant_id" = ? or 1=1`, /^SCAN orders/],
  [`select "orders"."id" from "orders"`, /^SCAN orders/],
  [
    `select "orders"."id" from "orders" join "customers" on "customers"."id" = "orders"."customer_id" where "orders"."tenant_id" = ?`,
    /^SCAN customers|AUTOMATIC/,
  ],
  [
    `select "orders"."id" from "orders" join "customers" on "customers"."tenant_id" = "orders"."tenant_id" and "customers"."id" = "orders"."customer_id"`,
    /^SCAN orders/,
  ],
  [
    `select "orders"."id" from "orders" left join "customers" on "orders"."tenant_id" = ? and "customers"."tenant_id" = ?`,
    /^SCAN orders/,
  ],
  [`update "orders" set "status" = ? where "orders"."id" = ?`, /^SCAN orders/],
  [
    `delete from "events" where "events"."created_at" <= ? and "events"."dispatched_at" is null`,
    /^SEARCH events/,
  ],
  [
    `select "idempotency"."answer" from "idempotency" where "idempotency"."expires_at" > ?`,
    /^SEARCH idempotency/,
  ],
  [`select "users"."id" from "users" where "users"."email_token" = ?`, /^SCAN users/],
  [
    `select "search_rows"."entity_id" from "search_rows" where "search_rows"."number" = ?`,
    /^SEARCH search_rows/,
  ],
  [`select rowid from "search_index"`, /^SCAN search_index/],
  [
    `select "orders"."id" from "orders" where "orders"."tenant_id" > ? and "orders"."id" = ?`,
    /^SEARCH orders/,
  ],
];

for (const [text, step] of unsafe) {
  test(`the plan gives away: ${text}`, async () => {
    const [problem, ...more] = await planProblems([text]);
    expect(more).toEqual([]);
    expect(problem).toMatch(step);
    expect(problem).toContain(text);
  });
}

test("a text that D1 would refuse in production is a problem", async () => {
  const marks = Array.from({ length: 101 }, () => "?").join(", ");
  const text = `select "orders"."id" from "orders" where "orders"."tenant_id" = ? and "orders"."id" in (${marks})`;
  expect((await planProblems([text]))[0]).toContain("102 bound parameters");
});

test("a text that SQLite does not take is a problem", async () => {
  const text = `select "orders"."colour" from "orders" where "orders"."tenant_id" = ?`;
  expect(await planProblems([text])).toEqual([expect.stringContaining("no such column")]);
});

test("what the drivers ran is remembered for the plans", async () => {
  expect(Object.keys(registry).length).toBeGreaterThan(0);
  await newTenant();
  expect(knownTexts().length).toBeGreaterThan(30);
  expect(await planProblems(knownTexts())).toEqual([]);
});

type Reads = Readonly<Record<string, { args: unknown[]; steps: string[] }>>;

/** The closed list of reads across tenants, with the index that makes each of its statements cheap. */
const acrossTenants: Reads = {
  filesToCheck: {
    args: ["2026"],
    steps: ["SEARCH files USING INDEX files_to_check (sweep_at<?)", "SCAN (subquery-3)", "SCAN (subquery-1)"],
  },
  filesToPurge: { args: ["2026"], steps: ["SEARCH files USING INDEX files_due (sweep_at<?)"] },
  consentsOf: {
    args: ["token", "ten_x", ["name"]],
    steps: [
      "SEARCH customer_consents USING INDEX customer_consents_by_identity (identity_token=?)",
      "SEARCH tenant_state EXISTS USING PRIMARY KEY (tenant_id=?)",
      "SCAN json_each EXISTS VIRTUAL TABLE INDEX 1:",
      "SCAN json_each VIRTUAL TABLE INDEX 1:",
    ],
  },
  keysStillUsed: {
    args: ["2026"],
    steps: [
      "SEARCH api_keys USING INDEX api_keys_retiring (retires_at>?)",
      "SEARCH tenant_state EXISTS USING PRIMARY KEY (tenant_id=?)",
    ],
  },
  keysNearingAge: {
    args: ["2026"],
    steps: [
      "SCAN security_policies USING INDEX security_policies_key_age",
      "SEARCH api_keys USING INDEX api_keys_by_age (tenant_id=? AND created_at<?)",
      "SEARCH tenant_state EXISTS USING PRIMARY KEY (tenant_id=?)",
      "SCAN (subquery-4)",
      "SCAN (subquery-2)",
    ],
  },
  tenantsToAlert: {
    args: ["2026", "2026", { tenantId: "ten_x", at: "2026" }],
    steps: [
      "SEARCH counters USING INDEX counters_unalerted (tenant_id>?)",
      "SEARCH tenant_state EXISTS USING PRIMARY KEY (tenant_id=?)",
      "SEARCH counters USING INDEX counters_unalerted (tenant_id>?)",
      "SEARCH tenant_state EXISTS USING PRIMARY KEY (tenant_id=?)",
      "SEARCH alerts USING INDEX alerts_to_tell (tell_at>? AND tell_at<?)",
      "SEARCH tenant_state EXISTS USING PRIMARY KEY (tenant_id=?)",
      "SEARCH alert_notices USING INDEX alert_notices_to_pass (created_at>? AND created_at<?)",
      "SEARCH tenant_state EXISTS USING PRIMARY KEY (tenant_id=?)",
      "SEARCH alerts USING INDEX alerts_to_tell (tell_at>? AND tell_at<?)",
      "SEARCH tenant_state EXISTS USING PRIMARY KEY (tenant_id=?)",
      "SEARCH alert_notices USING INDEX alert_notices_to_pass (created_at>? AND created_at<?)",
      "SEARCH tenant_state EXISTS USING PRIMARY KEY (tenant_id=?)",
    ],
  },
  tenantsToTell: {
    args: ["2026"],
    steps: [
      "SEARCH alerts USING INDEX alerts_to_tell (tell_at>? AND tell_at<?)",
      "SEARCH tenant_state EXISTS USING PRIMARY KEY (tenant_id=?)",
      "SEARCH alert_notices USING INDEX alert_notices_to_pass (created_at>? AND created_at<?)",
      "SEARCH tenant_state EXISTS USING PRIMARY KEY (tenant_id=?)",
    ],
  },
  rowsToForget: {
    args: [forgettables, Date.now()],
    steps: [
      "SEARCH invitations USING INDEX invitations_by_expiry (expires_at<?)",
      "SEARCH tenant_state EXISTS USING PRIMARY KEY (tenant_id=?)",
      "SEARCH key_limits USING INDEX key_limits_by_expiry (expires_at<?)",
      "SEARCH tenant_state EXISTS USING PRIMARY KEY (tenant_id=?)",
      "SEARCH support_sessions USING INDEX support_sessions_by_expiry (expires_at<?)",
      "SEARCH tenant_state EXISTS USING PRIMARY KEY (tenant_id=?)",
      "SEARCH support_grants USING INDEX support_grants_by_expiry (expires_at<?)",
      "SEARCH support_sessions USING INDEX support_sessions_by_grant (tenant_id=? AND grant_id=?)",
      "SEARCH tenant_state EXISTS USING PRIMARY KEY (tenant_id=?)",
      "SEARCH alert_notices USING INDEX alert_notices_by_age (created_at<?)",
      "SEARCH tenant_state EXISTS USING PRIMARY KEY (tenant_id=?)",
      "SEARCH alerts USING INDEX alerts_by_age (last_at<?)",
      "SEARCH alert_notices USING INDEX alert_notices_by_alert (tenant_id=? AND alert_id=?)",
      "SEARCH tenant_state EXISTS USING PRIMARY KEY (tenant_id=?)",
    ],
  },
  domainsToCheck: {
    args: ["2026"],
    steps: ["SEARCH sso_domains USING INDEX sso_domains_to_check (checked_at<?)"],
  },
  endpointsWithDueDeliveries: {
    args: ["2026"],
    steps: [
      "SEARCH webhook_queues USING INDEX webhook_queues_due (next_due_at<?)",
      "SEARCH served USING PRIMARY KEY (tenant_id=?)",
    ],
  },
  endpointsToTellOfSecrets: {
    args: ["2026"],
    steps: [
      "SEARCH webhook_endpoints USING INDEX webhook_endpoints_to_tell (<expr><?)",
      "SEARCH tenant_state EXISTS USING PRIMARY KEY (tenant_id=?)",
    ],
  },
  endpointsWithOldSecrets: {
    args: ["2026"],
    steps: ["SEARCH webhook_endpoints USING INDEX webhook_endpoints_by_secret (<expr><?)"],
  },
  expired: {
    args: [0, cellKinds],
    steps: [
      "SEARCH idempotency USING INDEX idempotency_by_expiry (expires_at<?)",
      "SEARCH commits USING INDEX commits_by_age (created_at<?)",
      "SEARCH intents USING INDEX intents_by_age (created_at<?)",
      "SEARCH events USING INDEX events_dispatched_by_age (created_at<?)",
      "SEARCH audit_checkpoints USING INDEX audit_checkpoints_by_age (created_at<?)",
      "SEARCH audit_sink_progress USING PRIMARY KEY (tenant_id=?)",
      "SEARCH webhook_deliveries USING INDEX webhook_deliveries_by_age (created_at<?)",
      "SEARCH webhook_attempts USING INDEX webhook_attempts_by_age (created_at<?)",
      "SEARCH webhook_bodies USING INDEX webhook_bodies_by_age (created_at<?)",
      "SEARCH ended_sessions USING INDEX ended_sessions_by_end (kept_until<?)",
      "SEARCH oauth_grants USING INDEX oauth_grants_by_end (expires_at<?)",
      "SEARCH last_uses USING INDEX last_uses_by_age (used_at<?)",
    ],
  },
  staleIntents: { args: ["2026"], steps: ["SEARCH intents USING INDEX intents_due (due_at<?)"] },
  tenantOfApiKey: {
    args: ["key_x"],
    steps: ["SEARCH api_keys USING INDEX api_keys_by_id (id=?)"],
  },
  keysOfPepper: {
    args: [1, "2026", 1],
    steps: [
      "SEARCH api_keys USING INDEX api_keys_by_pepper (pepper_version=?)",
      "SEARCH oauth_clients USING INDEX oauth_clients_by_pepper (pepper_version=?)",
    ],
  },
  tenantsWithUnloggedAudit: {
    args: [],
    steps: ["SEARCH counters USING INDEX counters_unlogged (tenant_id>?)"],
  },
  // The doctor's alone: three rows for each tenant there is.
  tenantsInRotation: {
    args: [],
    steps: ["SCAN key_rotations USING INDEX key_rotations_pending"],
  },
  tenantsWithUncheckedKeys: {
    args: ["2026"],
    steps: ["SEARCH tenant_keys USING INDEX tenant_keys_by_check (checked_at<?)"],
  },
  tenantsNotWrappedBy: {
    args: ["kek1"],
    steps: [
      "SEARCH tenant_keys USING INDEX tenant_keys_by_wrap (wrapped<?)",
      "SEARCH tenant_keys USING INDEX tenant_keys_by_wrap (wrapped>?)",
    ],
  },
  tenantsWithPendingEvents: {
    args: ["2026"],
    steps: [
      "SEARCH events USING INDEX events_pending",
      "SCAN pending",
      "SEARCH events USING INDEX events_pending (tenant_id>?)",
      "SCAN pending",
      "SEARCH events USING INDEX events_pending (tenant_id=?)",
    ],
  },
};

/** Of the copies of the audit's logs. */
const acrossTenantsOfSinks: Reads = {
  furthestBehindAtSink: {
    args: ["vault"],
    steps: ["SEARCH audit_sink_progress USING INDEX audit_sink_progress_by_sink (sink=? AND behind_since>?)"],
  },
  sinksDue: {
    args: ["2026"],
    steps: ["SEARCH audit_sink_progress USING INDEX audit_sink_progress_due (due_at<?)"],
  },
  sinksKnown: {
    args: [],
    steps: [
      "SEARCH audit_sink_progress USING INDEX audit_sink_progress_by_sink",
      "SCAN known",
      "SEARCH audit_sink_progress USING INDEX audit_sink_progress_by_sink (sink>?)",
      "SCAN known",
    ],
  },
  tenantsOfSink: {
    args: ["vault"],
    steps: ["SEARCH audit_sink_progress USING INDEX audit_sink_progress_by_sink (sink=?)"],
  },
  tenantsUnknownToSink: {
    args: ["vault"],
    steps: [
      "SEARCH audit_checkpoints USING PRIMARY KEY",
      "SCAN owners",
      "SEARCH audit_checkpoints USING PRIMARY KEY (tenant_id>?)",
      "SCAN owners",
      "SEARCH audit_sink_progress USING PRIMARY KEY (tenant_id=? AND sink=?)",
      "SEARCH audit_checkpoints USING PRIMARY KEY (tenant_id=?)",
    ],
  },
};

/** The doctor's. */
const acrossTenantsOfDoctor: Reads = {
  tenantsWithUnloggedAuditSince: {
    args: ["2026"],
    steps: [
      "SEARCH counters USING INDEX counters_unlogged (tenant_id>?)",
      "SEARCH audit_log USING PRIMARY KEY (tenant_id=? AND seq=?) LEFT-JOIN",
    ],
  },
  tenantsBehindTheirLog: { args: [], steps: ["SCAN counters"] },
  // The doctor's alone: one row for each tenant there is.
  tenantsWithoutOwner: {
    args: [],
    steps: [
      "SCAN tenant_state",
      "SEARCH members USING INDEX members_owners (tenant_id=? AND role=? AND state=?)",
    ],
  },
  tenantsWithForgottenKeys: {
    args: ["2026"],
    steps: ["SEARCH tenant_keys USING INDEX tenant_keys_by_check (checked_at<?)"],
  },
  tenantsInRotationSince: {
    args: ["2026"],
    steps: ["SCAN key_rotations USING INDEX key_rotations_pending"],
  },
  tenantsWithSpentKeys: {
    args: ["2026", 1],
    // The doctor's alone: a row or two for each tenant there is.
    steps: ["SCAN tenant_keys", "SEARCH newer USING PRIMARY KEY (tenant_id=? AND id>?)"],
  },
  tenantsWithSpentPeople: {
    args: [1, { audit: 4, event: 256 }],
    steps: ["SCAN counters"],
  },
};
const acrossTenantsOfLog: Reads = {
  hoursToArchive: {
    args: ["2026", "2027"],
    steps: ["SEARCH call_hours USING INDEX call_hours_unarchived (hour>? AND hour<?)"],
  },
  hoursToForget: { args: ["2026"], steps: ["SEARCH call_hours USING INDEX call_hours_by_age (hour<?)"] },
  hoursToPurge: { args: ["2026"], steps: ["SEARCH call_hours USING INDEX call_hours_unpurged (hour<?)"] },
  tenantsWithOldUses: {
    args: ["2026"],
    steps: ["SEARCH capability_uses USING INDEX capability_uses_by_age (last_day<?)"],
  },
};
/** What the triggers look up for each row, which no plan of a statement shows: by a whole key, or by a few rows' beginning. */
const ofTriggers: Readonly<Record<string, string>> = {
  audit_log_refuses_delete: "SEARCH purge_permits USING PRIMARY KEY (tenant_id=? AND upto_seq>?)",
  audit_log_refuses_second_id:
    "SEARCH audit_log USING COVERING INDEX sqlite_autoindex_audit_log_2 (tenant_id=? AND id=?)",
  audit_log_refuses_replace: "SEARCH audit_log USING PRIMARY KEY (tenant_id=? AND seq=?)",
  idempotency_forgets_the_expired:
    "SEARCH idempotency USING PRIMARY KEY (tenant_id=? AND principal_id=? AND operation=? AND key_token=?)",
  subject_keys_refuse_destroyed: "SEARCH subject_tombstones USING PRIMARY KEY (tenant_id=? AND subject_id=?)",
  subject_tombstones_refuse_replace:
    "SEARCH subject_tombstones USING PRIMARY KEY (tenant_id=? AND subject_id=?)",
  memberships_refuse_agents:
    "SEARCH support_agents USING COVERING INDEX support_agents_by_user (tenant_id=? AND user_id=?)",
  support_agents_refuse_members:
    "SEARCH memberships USING COVERING INDEX memberships_by_user (tenant_id=? AND user_id=?)",
  purge_permits_refuse_replace: "SEARCH purge_permits USING PRIMARY KEY (tenant_id=? AND upto_seq=?)",
};

test.each(["CELL_US1", "DIRECTORY", "LOG_US1"])("a trigger of %s goes through no table", async (name) => {
  const database = testEnv()[name] as D1Database;
  const triggers = await rowsOf<{ name: string; sql: string }>(
    database,
    "select name, sql from sqlite_master where type = 'trigger' order by name",
  );
  for (const trigger of triggers) {
    const looked = trigger.sql.match(/(?<=exists \()select .*(?=\)$)|^ *delete from .*(?=;$)/gm) ?? [];
    const plans = looked.map((text) => planOf(database, text.replaceAll(/\b(NEW|OLD)\.\w+/g, "?")));
    const steps = (await Promise.all(plans)).flat();
    const expected = ofTriggers[trigger.name];
    expect(steps, trigger.name).toEqual(expected === undefined ? [] : [expected]);
    const words = trigger.sql.match(/\b(from|join|update)\b/g) ?? [];
    // `before update on t` names no look-up.
    const own = /before update/.test(trigger.sql) ? 1 : 0;
    expect(words.length - own, "each look-up of a trigger is explained").toBe(looked.length);
  }
});

const idColumns = [
  "tenant_id",
  "tenant_id as id",
  "counters.tenant_id as id",
  "id",
  "principal_id",
  "operation",
  "key_token",
  "seq",
  "hour",
  "size",
  "sink",
  "endpoint_id",
  "event_seq",
  "member_id",
  "session_id",
];

test.each([
  ["cell", CellSystem, acrossTenants],
  ["cell", CellDoctor, acrossTenantsOfDoctor],
  ["cell", CellSinks, acrossTenantsOfSinks],
  ["log", LogSystem, acrossTenantsOfLog],
] as const)(
  "reads across the tenants of a %s are a closed list, and each uses its index and answers ids and scopes alone",
  async (kind, System, reads) => {
    const listed = Object.getOwnPropertyNames(System.prototype).filter((name) => name !== "constructor");
    expect(listed.toSorted(), "a read across tenants is listed here first, with its index").toEqual(
      Object.keys(reads).toSorted(),
    );
    const database = testEnv()[kind === "cell" ? "CELL_US1" : "LOG_US1"] as D1Database;
    for (const [name, { args, steps }] of Object.entries(reads)) {
      const texts = await textsOf(System, name, args);
      const plans = await Promise.all(texts.map((text) => planOf(database, text)));
      const touched = plans.flat().filter((step) => /^(SCAN|SEARCH)/.test(step));
      expect(
        touched.map((step) => step.replace("COVERING ", "")),
        name,
      ).toEqual(steps);
      for (const text of texts) {
        const [, columns = ""] = /^(?:with .*\) )?select (?:distinct )?(.+?) from /.exec(text) ?? [];
        expect(idColumns, text).toEqual(expect.arrayContaining(columns.split(", ")));
        expect(text, "a bounded number at a time").toMatch(/ limit \d+\)?$/);
      }
    }
  },
);

async function textsOf(
  System: typeof CellSystem | typeof CellDoctor | typeof CellSinks | typeof LogSystem,
  name: string,
  args: unknown[],
): Promise<string[]> {
  const texts: string[] = [];
  const batch = vi.spyOn(Store.prototype, "batch").mockImplementation(async (statements) => {
    texts.push(...statements.map(({ text }) => text));
    return statements.map((): ResultRows => []);
  });
  const system = new System(new Store(testEnv().DIRECTORY, "first-primary"));
  await Reflect.apply(Reflect.get(system, name), system, args);
  batch.mockRestore();
  return texts;
}
