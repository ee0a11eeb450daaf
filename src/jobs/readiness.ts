import { keksOf } from "#db/keks.ts";
import { said, schemaState } from "#db/schema-check.ts";
import type { DatabaseKind } from "#db/technical-columns.ts";
import { directoryKeys } from "#gate/directory-keys.ts";
import { outsideIssuers } from "#gate/outside-issuers.ts";
import { providersOf, secretOf } from "#identity/federation/providers.ts";
import { secretsOf } from "#identity/outside/receive-message.ts";
import { contactsOf } from "#lib/security-txt.ts";
import { secondMs } from "#lib/time.ts";
import { auditSinks, sinkKeys } from "#platform/audit-sinks.ts";
import { hasBudgets } from "#platform/budgets.ts";
import { type Cell, cellsOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { hasGates } from "#platform/gates.ts";
import { hasLockouts } from "#platform/lockouts.ts";
import { errorFields, log } from "#platform/log.ts";
import { mailFaults } from "#platform/mail/mailer.ts";
import { textFaults } from "#platform/sms/texter.ts";
import { operatorFaults } from "./operator/tell-operator.ts";

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What an operator does about it. */
  readonly todo?: string;
}

const latest = new WeakMap<Env, { readonly checks: Promise<Check[]>; readonly at: number }>();
const freshMs = 5 * secondMs;

/** Can this deployment serve: bindings, keys, migrations, triggers. Anybody may ask, so an answer serves for 5 s. */
export async function readiness(env: Env, now: number): Promise<Check[]> {
  const known = latest.get(env);
  if (known && now - known.at < freshMs) return await known.checks;
  const checks = runChecks(env);
  latest.set(env, { checks, at: now });
  return await checks;
}

async function runChecks(env: Env): Promise<Check[]> {
  return await Promise.all([
    check("key-encryption keys", "set the secret KEYLINE_KEKS (README, Deploy)", async () => {
      await keksOf(env);
      return [];
    }),
    check("directory keys", "wait a minute for cron to make them, then look at its log", async () => {
      const { newestPepper, publicJwks } = await directoryKeys(
        env,
        (keys) => keys.newestPepper !== null && keys.publicJwks.length > 0,
      );
      return [
        ...(newestPepper ? [] : ["no key pepper"]),
        ...(publicJwks.length > 0 ? [] : ["no signing key"]),
      ];
    }),
    check("security contact", "set SECURITY_CONTACT in wrangler.toml", async () =>
      contactsOf(env.SECURITY_CONTACT, env.PUBLIC_ORIGIN).length > 0
        ? []
        : ["no mailto:, https: or tel: URI of yours"],
    ),
    check("directory schema", "apply the migrations of migrations/directory", () =>
      schemaFaults(env.DIRECTORY, "directory"),
    ),
    check(
      "outside issuers",
      "correct OUTSIDE_ISSUERS or OUTSIDE_ISSUER_SECRETS (src/identity/outside/README.md)",
      async () => {
        for (const { name } of outsideIssuers(env)) secretsOf(env, name);
        return [];
      },
    ),
    check(
      "sign-in providers",
      "correct SIGN_IN_PROVIDERS or SIGN_IN_SECRETS (src/identity/federation/README.md)",
      async () => {
        for (const { name } of providersOf(env)) secretOf(env, name);
        return [];
      },
    ),
    check("audit sinks", "correct AUDIT_SINKS or AUDIT_SINK_KEYS (src/cli/README.md)", async () => {
      for (const sink of auditSinks(env)) sinkKeys(env, sink);
      return [];
    }),
    check("mail", "correct MAIL, MAIL_FROM or what they need (src/mail/README.md)", async () =>
      mailFaults(env),
    ),
    check(
      "the operator",
      "correct OPERATOR_WEBHOOK_URL, OPERATOR_EMAIL or SENTRY_DSN (src/resources/alerts/README.md)",
      async () => operatorFaults(env),
    ),
    check(
      "texts",
      "correct SMS, SMS_FROM or what they need (src/mail/README.md), or take SMS out",
      async () => textFaults(env),
    ),
    check("resolver", "set DOH_URL to a resolver that speaks DNS over HTTPS in JSON", async () => {
      return URL.canParse(env.DOH_URL) ? [] : ["DOH_URL is no URL"];
    }),
    check("breached passwords", "set PWNED_PASSWORDS_URL to the range API's URL", async () => {
      return URL.canParse(env.PWNED_PASSWORDS_URL) ? [] : ["PWNED_PASSWORDS_URL is no URL"];
    }),
    check("gates", "bind the Durable Object of the gates", async () => {
      return hasGates(env) ? [] : ["not bound"];
    }),
    check("lockouts", "bind the Durable Object of the lockouts", async () => {
      return hasLockouts(env) ? [] : ["not bound"];
    }),
    check("budgets", "bind the Durable Object of the budgets", async () => {
      return hasBudgets(env) ? [] : ["not bound"];
    }),
    check("audit log of the platform", "create and bind its R2 bucket", async () => {
      await env.AUDIT_LOG_PLATFORM.head("readyz");
      return [];
    }),
    check("transport", 'set MIN_TLS to "1.2" or "1.3"', async () => {
      return ["1.2", "1.3"].includes(env.MIN_TLS) ? [] : [`MIN_TLS is ${env.MIN_TLS}`];
    }),
    ...cellsOf(env).flatMap(checksOf),
  ]);
}

function checksOf(cell: Cell): Promise<Check>[] {
  const checkOf = (what: string, todo: string, faults: () => Promise<string[]>) =>
    check(`${what} of cell ${cell.id}`, todo, faults);
  const isBound = (queue: () => Queue) => async () => (queue() ? [] : ["not bound"]);
  const answers = (bucket: () => R2Bucket) => async () => {
    await bucket().head("readyz");
    return [];
  };
  return [
    checkOf("schema", "apply the migrations of migrations/cell", () => schemaFaults(cell.database, "cell")),
    checkOf("schema of the log", "apply the migrations of migrations/log", () =>
      schemaFaults(cell.log, "log"),
    ),
    checkOf(
      "files",
      "create the cell's R2 bucket",
      answers(() => cell.files),
    ),
    checkOf(
      "call archive",
      "create the cell's R2 bucket for calls",
      answers(() => cell.callArchive),
    ),
    checkOf(
      "audit log",
      "create the cell's R2 bucket for the audit's log",
      answers(() => cell.auditLog),
    ),
    checkOf(
      "queue",
      "create and bind the cell's queue",
      isBound(() => cell.queue),
    ),
    checkOf(
      "queue of webhooks",
      "create and bind the cell's queue for webhooks",
      isBound(() => cell.webhooks),
    ),
    checkOf(
      "queue of audit sinks",
      "create and bind the cell's queue for copies of the audit's log",
      isBound(() => cell.sinks),
    ),
    checkOf(
      "queue of calls",
      "create and bind the cell's queue for calls",
      isBound(() => cell.calls),
    ),
  ];
}

async function schemaFaults(database: D1Database, kind: DatabaseKind): Promise<string[]> {
  return (await schemaState(database, kind)).faults.map(said);
}

// Anybody may ask: the answer says what to do about it, the log what it was.
async function check(name: string, todo: string, faults: () => Promise<string[]>): Promise<Check> {
  try {
    const found = await faults();
    if (found.length === 0) return { name, ok: true };
    log("error", "not ready", { check: name, faults: found.join("; ") });
  } catch (error) {
    log("error", "not ready", { check: name, ...errorFields(error) });
  }
  return { name, ok: false, todo };
}
