import type { Configuration } from "#cli/configuration.ts";
import { tiers } from "#gate/tiers.ts";
import { contactsOf } from "#lib/security-txt.ts";
import { type Finding, graded, green, red, unseen } from "./finding.ts";

const ofCell = {
  databases: ["CELL", "LOG"],
  buckets: ["FILES", "CALL_ARCHIVE", "AUDIT_LOG"],
  queues: ["AUDIT_EVENTS", "CALLS", "WEBHOOKS", "SINKS"],
} as const;
const objects = ["GATES", "AUDIT_TREES", "LOCKOUTS", "BUDGETS", "MAILBOX"];
const unset = /^[0-]*$/;

/** What wrangler.toml says, as it would be deployed: the shield and the limits, and what must be bound. */
export function judgeLimits(config: Configuration): Finding[] {
  const shield = config.ratelimits.find(({ name }) => name === "SHIELD");
  return [
    ...judgeShield(shield?.simple),
    ...judgeBindings(config),
    graded(
      config.triggers.crons.includes("* * * * *"),
      "Cron runs every minute.",
      "Cron does not run every minute.",
      'set crons = ["* * * * *"] in [triggers] of wrangler.toml',
    ),
  ];
}

type Shield = Configuration["ratelimits"][number]["simple"];

function judgeShield(shield: Shield | undefined): Finding[] {
  if (!shield)
    return [
      red(
        "Nothing holds an address before it is authenticated.",
        "bind SHIELD in [[ratelimits]] of wrangler.toml",
      ),
    ];
  const perMinute = (shield.limit * 60) / shield.period;
  const most = Math.max(...Object.values(tiers).map((tier) => tier.perMinute));
  return [
    green(`The shield holds an address to ${shield.limit} requests in ${shield.period} s.`),
    // Else whoever has paid for the highest tier is turned away before their gate is asked.
    graded(
      perMinute >= most,
      `The shield lets through ${perMinute} requests a minute, and gates ${most} at most of one key.`,
      `The shield lets through ${perMinute} requests a minute, fewer than the ${most} that the highest tier is sold.`,
      "raise SHIELD's limit in [[ratelimits]] of wrangler.toml",
    ),
  ];
}

function judgeBindings(config: Configuration): Finding[] {
  const bound = new Set([
    ...config.d1_databases.map(({ binding }) => binding),
    ...config.r2_buckets.map(({ binding }) => binding),
    ...config.queues.producers.map(({ binding }) => binding),
    ...config.durable_objects.bindings.map(({ name }) => name),
  ]);
  const cells = String(config.vars.CELLS)
    .split(",")
    .map((entry) => entry.trim().split(":"));
  const ids = cells.map(([id = ""]) => id.toUpperCase());
  const needed = [
    ...["DIRECTORY", "AUDIT_LOG_PLATFORM", "MAILS", ...objects],
    ...Object.values(ofCell).flatMap((names) => names.flatMap((name) => ids.map((id) => `${name}_${id}`))),
  ];
  const missing = needed.filter((name) => !bound.has(name));
  const consumed = new Set(config.queues.consumers.map(({ queue }) => queue));
  const idle = config.queues.producers.filter(({ queue }) => !consumed.has(queue)).map(({ queue }) => queue);
  const inEurope = cells.filter(([, place]) => place === "eu").map(([id = ""]) => `_${id.toUpperCase()}`);
  const astray = config.r2_buckets
    .filter(({ binding }) => inEurope.some((end) => binding.endsWith(end)))
    .filter(({ jurisdiction }) => jurisdiction !== "eu");
  return [
    graded(
      missing.length === 0,
      `All ${needed.length} databases, buckets, queues and objects of ${ids.length} cells are bound.`,
      `Not bound: ${missing.join(", ")}.`,
      "create what is missing and bind it in wrangler.toml (README, Deploy)",
    ),
    graded(
      idle.length === 0,
      "Every queue has its consumer.",
      `Nobody consumes ${idle.join(", ")}.`,
      "add a [[queues.consumers]] for each to wrangler.toml",
    ),
    graded(
      astray.length === 0,
      "Every bucket of a European cell lies in the EU.",
      `Not in the EU: ${astray.map(({ name }) => name).join(", ")}.`,
      'create it with --jurisdiction eu, and set jurisdiction = "eu" in wrangler.toml',
    ),
  ];
}

/** What must not be as it was when the project was fetched. A local deployment is meant to be so. */
export function judgeSettings(config: Configuration, isRemote: boolean): Finding[] {
  const { PUBLIC_ORIGIN, MIN_TLS, SECURITY_CONTACT, WEBHOOKS_TO_LOCALHOST } = config.vars;
  const tls = graded(
    MIN_TLS === "1.2" || MIN_TLS === "1.3",
    `Nothing below TLS ${MIN_TLS} is answered.`,
    `MIN_TLS is ${JSON.stringify(MIN_TLS)}.`,
    'set it to "1.2" or "1.3" in wrangler.toml',
  );
  const strictly = graded(
    config.compatibility_flags.includes("global_fetch_strictly_public"),
    "What is fetched on a tenant's behalf leaves by the public internet.",
    "A webhook could be sent to the account's own Workers.",
    "put global_fetch_strictly_public among compatibility_flags in wrangler.toml",
  );
  if (!isRemote)
    return [
      tls,
      strictly,
      unseen("PUBLIC_ORIGIN, SECURITY_CONTACT and the databases' ids", "this one is local"),
    ];
  const isPublic = URL.canParse(String(PUBLIC_ORIGIN)) && isPublicOrigin(new URL(String(PUBLIC_ORIGIN)));
  const withoutId = config.d1_databases.filter(({ database_id: id = "" }) => unset.test(id));
  return [
    tls,
    strictly,
    graded(
      isPublic,
      `People reach it at ${PUBLIC_ORIGIN}.`,
      `PUBLIC_ORIGIN is ${PUBLIC_ORIGIN}: tokens and documents name it.`,
      "set it to the https origin of your domain in wrangler.toml",
    ),
    graded(
      contactsOf(String(SECURITY_CONTACT ?? ""), "https://keyline.invalid").length > 0,
      "SECURITY_CONTACT names somebody to tell of a vulnerability.",
      "SECURITY_CONTACT names nobody.",
      "set it in wrangler.toml to a mailto:, https: or tel: URI of yours",
    ),
    graded(
      withoutId.length === 0,
      "Every database has its id.",
      `Without an id: ${withoutId.map(({ binding }) => binding).join(", ")}.`,
      "put the ids that `wrangler d1 create` printed into wrangler.toml",
    ),
    graded(
      WEBHOOKS_TO_LOCALHOST === undefined,
      "Webhooks go to public addresses alone.",
      "WEBHOOKS_TO_LOCALHOST is set.",
      "take it out of wrangler.toml: it is for `npm start`",
    ),
  ];
}

function isPublicOrigin({ protocol, hostname, pathname }: URL): boolean {
  return protocol === "https:" && pathname === "/" && !/^(?:localhost|127\.|\[)|\.localhost$/.test(hostname);
}
