import assert from "node:assert/strict";
import { test } from "node:test";
import { configuration } from "#cli/configuration.ts";
import { type Finding, green, red, unseen, warning } from "#cli/doctor/finding.ts";
import { judgeKeys, type KeyFacts } from "#cli/doctor/keys.ts";
import { judgeLimits, judgeSettings } from "#cli/doctor/limits.ts";
import { judgeLocks } from "#cli/doctor/locks.ts";
import { report } from "#cli/doctor/report.ts";
import { judgeSinks } from "#cli/doctor/sinks.ts";
import { dayMs, timestamp } from "#lib/time.ts";

// What the doctor makes of what it found, and how it says so.

const now = Date.UTC(2026, 10, 22);
const origin = "https://api.keyline.dev";

test("a deployment with the settings that the project came with is red in each of them", () => {
  const { vars, ...config } = configuration();
  const deployed = judgeSettings({ vars, ...config }, true);
  assert.deepEqual(
    ungreen(deployed).map(({ what }) => what.split(/[ :]/)[0]),
    ["PUBLIC_ORIGIN", "SECURITY_CONTACT", "Without"],
  );
  const own = {
    ...config,
    vars: { ...vars, PUBLIC_ORIGIN: origin, SECURITY_CONTACT: "mailto:security@keyline.dev" },
    d1_databases: [{ binding: "DIRECTORY", database_id: "6f1c1a52-6b5e-4c0e-9d55-0c1c0a9b2f11" }],
  };
  assert.deepEqual(ungreen(judgeSettings(own, true)), []);
  for (const PUBLIC_ORIGIN of [
    "http://api.keyline.dev",
    "https://localhost",
    "https://127.0.0.1",
    `${origin}/v1`,
    "api.keyline.dev",
  ]) {
    const [found] = ungreen(judgeSettings({ ...own, vars: { ...own.vars, PUBLIC_ORIGIN } }, true));
    assert.match(found?.what ?? "", /^PUBLIC_ORIGIN is /);
  }
  const lax = { ...own, vars: { ...own.vars, WEBHOOKS_TO_LOCALHOST: "true" } };
  assert.match(ungreen(judgeSettings(lax, true))[0]?.what ?? "", /^WEBHOOKS_TO_LOCALHOST/);
});

test("a shield that turns away what the highest tier is sold is red, and so is none", () => {
  const config = configuration();
  const shielded = (...limits: number[]) =>
    ungreen(
      judgeLimits({
        ...config,
        ratelimits: limits.map((limit) => ({ name: "SHIELD", simple: { limit, period: 10 } })),
      }),
    ).map(({ what }) => what);
  assert.deepEqual(ungreen(judgeLimits(config)), []);
  assert.deepEqual(shielded(1_667), []);
  assert.deepEqual(shielded(1_666), [
    "The shield lets through 9996 requests a minute, fewer than the 10000 that the highest tier is sold.",
  ]);
  assert.deepEqual(shielded(), ["Nothing holds an address before it is authenticated."]);
});

test("keys within their terms are green, each is red a while after its own, and no KEK is not looked at", () => {
  const day = (days: number) => timestamp(now - days * dayMs);
  const facts: KeyFacts = {
    kek: { kid: "kek2", opens: true, behind: 0, since: day(400) },
    terms: { signsFrom: day(29), signsHeadsFrom: day(364), peppersFrom: day(365) },
    unchecked: 0,
    spent: 0,
    spentPeople: 0,
    inLongRotation: 0,
    oldSecrets: 0,
  };
  assert.deepEqual(ungreen(judgeKeys(facts, now)), []);
  const next = { ...facts, terms: { ...facts.terms, signsFrom: timestamp(now + 1000) } };
  assert.match(
    judgeKeys(next, now)
      .map(({ what }) => what)
      .join(),
    /The next signing key is ready\./,
  );
  const late = {
    ...facts,
    terms: { ...facts.terms, signsFrom: day(31), signsHeadsFrom: day(366), peppersFrom: day(366) },
  };
  assert.deepEqual(
    ungreen(judgeKeys(late, now)).map(({ what }) => what),
    [
      "The signing key is 31 days old and has no successor, though its term is 30 days.",
      "The key that signs the audit's heads is 366 days old and has no successor, though its term is 365 days.",
      "The key pepper is 366 days old and has no successor, though its term is 365 days.",
    ],
  );
  const kek = { kid: "kek2", opens: true, behind: 0, since: day(401) };
  assert.deepEqual(
    ungreen(judgeKeys({ ...facts, kek, spentPeople: 1 }, now)).map(({ what }) => what),
    [
      "The newest key-encryption key, kek2, has wrapped for 401 days, longer than 400 days.",
      "1 owner who sealed so much that a person's key may have done so 2147483648 times.",
    ],
  );
  assert.deepEqual(
    ungreen(judgeKeys({ ...facts, oldSecrets: 2 }, now)).map(({ grade, what }) => [grade, what]),
    [["warning", "2 secrets of webhooks older than a year."]],
  );
  const without = ungreen(judgeKeys({ ...facts, kek: null }, now));
  assert.deepEqual(without, [unseen("The key-encryption keys", "KEYLINE_KEKS is not in the environment")]);
});

test("a bucket's locks are graded each, and an account that cannot be asked is not", () => {
  const bucket = { binding: "AUDIT_LOG_US1", name: "keyline-audit-log-us1", jurisdiction: null };
  const [good, bad] = judgeLocks([
    { bucket, faults: [] },
    { bucket, faults: ["has no lock rule"] },
  ]);
  assert.equal(good?.grade, "green");
  assert.deepEqual(bad, red("keyline-audit-log-us1 has no lock rule.", "run `npm run keyline -- locks set`"));
  const [unasked] = judgeLocks("Sign in with `npx wrangler login`, or set CLOUDFLARE_API_TOKEN.");
  assert.equal(unasked?.grade, "unseen");
});

test("a store that gets copies is red once it lacks a head for too long, and none is not looked at", () => {
  const lag = { sink: "vault", tenantId: "ten_1", fault: "refused" as const };
  const [near, far] = judgeSinks([
    { ...lag, behindSeconds: 6 * 3600 },
    { ...lag, behindSeconds: 6 * 3600 + 1 },
  ]);
  assert.equal(near?.grade, "green");
  assert.equal(far?.grade, "red");
  assert.equal(far?.what, "vault lacks a head of ten_1 that is 6 hours old (refused).");
  assert.equal(judgeSinks([])[0]?.grade, "unseen");
});

test("the report is aligned, folded at a hundred columns, and coloured only where asked", () => {
  const long = "word ".repeat(40).trim();
  const groups = [
    {
      name: "Group",
      findings: [
        green("all well"),
        warning("not well", "mend it"),
        red(long, `do ${long}`),
        unseen("this", "of that"),
      ],
    },
  ];
  const plain = report(groups, false);
  assert.equal(
    plain.replaceAll(/(?: ?word)+/g, " …"),
    [
      "Group",
      ...["  ok   all well", "  WARN not well", "       -> mend it"],
      ...["  RED  …", "       …", "       …", "       -> do …", "          …", "          …"],
      "  ?    this: not looked at, because of that",
      "",
      "1 green, 1 to see to, 1 red, 1 not looked at.",
    ]
      .join("\n")
      .replaceAll(/ …/g, " …"),
  );
  assert.ok(plain.split("\n").every((line) => line.length <= 100));
  assert.ok(report(groups, true).includes("\u001b[31mRED"));
});

function ungreen(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ grade }) => grade !== "green");
}
