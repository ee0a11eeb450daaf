import { type KeptTable, keptTables } from "#db/protection.ts";
import type { DatabaseKind, Keeping } from "#db/technical-columns.ts";

const keepings: Readonly<Record<Keeping, { label: string; meaning: string }>> = {
  person: {
    label: "The person's key",
    meaning: "AES-256-GCM by Keyline, under a key of the person it tells of. Destroying that key erases it.",
  },
  tenant: {
    label: "The tenant's key",
    meaning: "AES-256-GCM by Keyline, under a key of the business; the directory has one of its own.",
  },
  "person-or-tenant": {
    label: "The person's or the tenant's key",
    meaning: "AES-256-GCM by Keyline: the person's where it tells of somebody, or else the tenant's.",
  },
  kek: {
    label: "The key-encryption key",
    meaning: "AES-256-GCM by Keyline, under the operator's key, which lies in no database.",
  },
  "person-or-plain": {
    label: "The person's key, or the tenant's, where it tells of one or of a secret",
    meaning:
      "AES-256-GCM by Keyline where it tells of somebody or of a row with secrets, or else the platform's encryption only.",
  },
  "as-copied": {
    label: "As the row it copies",
    meaning: "What is sealed in a row is sealed in its copy; secrets and digests are not copied at all.",
  },
  "one-way": {
    label: "One way",
    meaning: "An HMAC by Keyline under a key of its own: it can be compared, and not read back.",
  },
  plain: {
    label: "The platform's encryption only",
    meaning: "Encrypted at rest by Cloudflare's keys. Whoever may read the database may read it.",
  },
};

const databases: Readonly<Record<DatabaseKind, { title: string; holds: string }>> = {
  cell: { title: "The D1 database of a cell", holds: "What is a tenant's, its audit and events." },
  log: {
    title: "The log's D1 database of a cell",
    holds: "Who called what: ids, names of ours and numbers.",
  },
  directory: { title: "The directory's D1 database", holds: "Where tenants live, users, keys of ours." },
};

/** What is no database, by the beginning of its binding's name in wrangler.toml. */
const otherStores: Readonly<Record<string, { title: string; holds: string; keeping: Keeping }>> = {
  FILES: { title: "Files (R2)", holds: "The bytes of files; keys of ids alone.", keeping: "plain" },
  CALL_ARCHIVE: {
    title: "The call archive (R2)",
    holds: "The log's rows of 90 days, as NDJSON.",
    keeping: "plain",
  },
  AUDIT_LOG: {
    title: "The audit's log (R2)",
    holds:
      "Audit rows as they are stored, personal fields under their person's key; hashes and signed heads.",
    keeping: "as-copied",
  },
  AUDIT_TREES: {
    title: "The writers of the audit's log (Durable Objects)",
    holds: "Audit rows as they are stored, until a file of the log is full of them; hashes.",
    keeping: "as-copied",
  },
  AUDIT_EVENTS: { title: "The queue of events", holds: "Ids of tenants.", keeping: "plain" },
  WEBHOOKS: { title: "The queue of webhooks", holds: "Ids of tenants and endpoints.", keeping: "plain" },
  SINKS: {
    title: "The queue of copies of the audit's log",
    holds: "Ids of tenants, names of the stores that AUDIT_SINKS lists.",
    keeping: "plain",
  },
  AUDIT_SINK: {
    title: "The stores that AUDIT_SINKS lists (S3-compatible, the operator's)",
    holds: "The files of the audit's log, byte for byte, locked there for as long as its entry says.",
    keeping: "as-copied",
  },
  CALLS: {
    title: "The queue of calls",
    holds: "The log's rows on their way: ids, names of ours and numbers.",
    keeping: "plain",
  },
  MAILS: { title: "The queue of mails", holds: "Ids of mails and texts.", keeping: "plain" },
  MAILBOX: {
    title: "The mailbox (Durable Object)",
    holds:
      "The last hundred mails and texts of a deployment that says it is one under development, on this machine; nothing elsewhere.",
    keeping: "plain",
  },
  EMAIL: {
    title: "Cloudflare's Email Service, or Postmark",
    holds: "Mails that left, as long as whoever carries them keeps them: to whom, and what they say.",
    keeping: "plain",
  },
  GATES: {
    title: "Gates (Durable Objects)",
    holds: "Counts of calls and when a key was last used; rights and wrapped keys in memory alone.",
    keeping: "plain",
  },
  LOCKOUTS: {
    title: "Lockouts (Durable Objects)",
    holds:
      "How often somebody, or an address, failed of late, and how much a user asked for; named by an HMAC, so none is known.",
    keeping: "plain",
  },
  BUDGETS: {
    title: "Budgets of texts (Durable Objects)",
    holds:
      "When texts were sent of late, to a number, for somebody, from a network, at a business's cost; named by an HMAC.",
    keeping: "plain",
  },
  SHIELD: {
    title: "The shield (rate limiting)",
    holds: "How often an address asked for what is no tenant's, in the last minute.",
    keeping: "plain",
  },
};

/** For each store and column, whether Keyline's own encryption protects it, under whose key, or the platform's only. */
export function ProtectionPage() {
  const tables = keptTables();
  return (
    <article class="guide">
      <header class="intro">
        <p class="kicker">Reference</p>
        <h1>What protects what</h1>
        <p class="lead">
          Every column of every table, and whose key opens it. This page is made from the declarations that
          seal the rows.
        </p>
      </header>
      <section id="keys">
        <h2>Ways to keep a value</h2>
        <dl class="catalogue">
          {Object.values(keepings).map(({ label, meaning }) => (
            <div>
              <dt>
                <b>{label}</b>
              </dt>
              <dd>{meaning}</dd>
            </div>
          ))}
        </dl>
      </section>
      {databaseKinds.map((kind) => (
        <section id={kind}>
          <h2>{databases[kind].title}</h2>
          <p>{databases[kind].holds}</p>
          <dl class="catalogue">
            {tables
              .filter(({ database }) => database === kind)
              .map((table) => (
                <Table table={table} />
              ))}
          </dl>
        </section>
      ))}
      <section id="others">
        <h2>Other stores</h2>
        <dl class="catalogue">
          {Object.entries(otherStores).map(([binding, { title, holds, keeping }]) => (
            <div id={binding}>
              <dt>
                <b>{title}</b>
              </dt>
              <dd>{holds}</dd>
              <dd>
                <b>{keepings[keeping].label}</b>
              </dd>
            </div>
          ))}
        </dl>
      </section>
    </article>
  );
}

const databaseKinds = ["cell", "log", "directory"] as const satisfies readonly DatabaseKind[];

function Table({ table: { database, name, columns } }: { table: KeptTable }) {
  const byKeeping = Map.groupBy(Object.entries(columns), ([, keeping]) => keeping);
  return (
    <div id={`${database}.${name}`}>
      <dt>
        <code>{name}</code>
      </dt>
      {keepingKinds
        .filter((keeping) => byKeeping.has(keeping))
        .map((keeping) => (
          <dd data-keeping={keeping}>
            <b>{keepings[keeping].label}</b>{" "}
            {byKeeping.get(keeping)?.map(([column]) => (
              <>
                <code>{column}</code>{" "}
              </>
            ))}
          </dd>
        ))}
    </div>
  );
}

const keepingKinds = Object.keys(keepings) as Keeping[];
