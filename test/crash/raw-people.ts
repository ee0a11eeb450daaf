import type { Seeded } from "#cli/seed.ts";
import { insert } from "#db/changes.ts";
import { sessions, strangerMonths, users } from "#db/directory-tables.ts";
import { many } from "#db/queries.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import {
  emailChanges,
  federatedArrivals,
  federatedIdentities,
  passkeys,
  passwords,
  recoveryCodes,
  signInChallenges,
  signUps,
  smsFactors,
  totpFactors,
} from "#identity/tables.ts";
import { dayMs, timestamp } from "#lib/time.ts";
import { mailTo } from "#mail/outgoing.ts";
import { mailSuppressions } from "#mail/tables.ts";
import { newId } from "#platform/ids.ts";

/**
 * Somebody with an account, somebody who signs up, a mail that waits and an address that takes none, and what somebody
 * types into the Worker itself. @returns what was typed and stands in no row
 */
export async function writePeople(
  directory: TenantSession,
  origin: string,
  canary: (what: string) => string,
): Promise<Record<string, string>> {
  const now = Date.now();
  const expiresAt = timestamp(now + dayMs);
  const email = (what: string) => `${canary(what)}@example.org`.toLowerCase();
  const { months } = await directory.read({ months: many(strangerMonths, { limit: 1 }) });
  const user = { id: newId("usr"), name: canary("User"), email: email("Usermail"), sessionEpoch: 0 };
  const flags = { mustRecheck: 0, isStrong: 1 };
  const own = (prefix: string) => ({ id: newId(prefix), userId: user.id });
  const passkey = {
    name: canary("Passkey"),
    credentialId: canary("Credential"),
    ...{ publicKey: "", counter: 0, isSynced: 0, transports: "[]", lastChallenge: "" },
  };
  const session = {
    id: newId("ses"),
    userId: user.id,
    device: canary("Device"),
    address: "2001:db8:feed:f00d:1ea5:d06:fa11:9a5f",
    place: canary("Place"),
    methods: '["pwd"]',
    signedInAt: timestamp(now),
    sessionEpoch: 0,
    state: "active" as const,
    expiresAt,
  };
  const signUp = {
    id: newId("sup"),
    strangerId: months[0]?.id ?? "",
    name: canary("Newcomer"),
    email: email("Newmail"),
    passwordHash: canary("Newhash"),
    ...flags,
    state: "pending" as const,
    expiresAt,
  };
  const elsewhere = { source: "google", issuer: "https://accounts.google.com" };
  const arrival = {
    id: newId("far"),
    strangerId: months[0]?.id ?? "",
    ...elsewhere,
    subject: canary("Comer"),
    name: canary("Comername"),
    email: email("Comermail"),
    expiresAt,
  };
  const challenge = {
    ...own("sic"),
    sessionEpoch: 0,
    methods: "[]",
    connects: JSON.stringify({ ...elsewhere, subject: canary("Challenged") }),
    expiresAt,
  };
  const link = `https://example.org/reset?token=${canary("Token")}`;
  const run = { job: "test.raw-files", requestId: newId("run"), now };
  const { kind } = await commitAsSystem(directory, run, [
    insert(users, { ...user, state: "active", emailVerifiedAt: timestamp(now) }, now),
    insert(passwords, { ...own("pwd"), hash: canary("Hash"), ...flags }, now),
    insert(sessions, session, now),
    insert(totpFactors, { ...own("tot"), secret: canary("Totp"), state: "active", lastStep: 1 }, now),
    insert(passkeys, { ...own("psk"), ...passkey }, now),
    insert(smsFactors, { ...own("smf"), number: canary("Number"), state: "active" }, now),
    insert(emailChanges, { ...own("emc"), email: email("Wanted"), state: "open", expiresAt }, now),
    insert(
      federatedIdentities,
      { ...own("fid"), ...elsewhere, subject: canary("Subject"), lastUsedAt: timestamp(now) },
      now,
    ),
    insert(federatedArrivals, arrival, now),
    insert(signInChallenges, challenge, now),
    insert(recoveryCodes, { ...own("rcs"), hashes: canary("Recovery") }, now),
    insert(signUps, signUp, now),
    mailTo(
      { kind: "reset-password", to: email("Mailed"), data: { link, validMinutes: 60 }, userId: user.id },
      now,
    ),
    insert(mailSuppressions, { id: newId("spr"), recipient: email("Bounced"), reason: "bounced" }, now),
  ]);
  if (kind !== "committed") throw new Error(`The people were not written, but ${kind}.`);
  const typed = { name: canary("Typed"), email: email("Typedmail"), password: canary("Typed password") };
  await post(`${origin}/v1/sign-ups`, typed, 204);
  await post(`${origin}/v1/sign-in`, { email: typed.email, password: typed.password }, 401);
  return Object.fromEntries(Object.entries(typed).map(([field, text]) => [`a typed ${field}`, text]));
}

/**
 * Somebody tries a wrong password at a member's account, and their tenant is told of it, with what they sent.
 * @returns what stands in no row
 */
export async function failToSignIn(
  { tenantId, cell }: Pick<Seeded, "tenantId" | "cell">,
  email: string,
  origin: string,
  canary: (what: string) => string,
): Promise<Record<string, string>> {
  // Without an address: the simulated shield of the platform, which is none of our stores, writes that into a file.
  const headers = { "User-Agent": canary("Intruder") };
  await post(`${origin}/v1/sign-in`, { email, password: canary("Guess") }, 401, headers);
  const told = cell.database
    .prepare("select caller from audit_log where tenant_id = ? and action = 'user.sign_in_failed'")
    .bind(tenantId);
  for (let tries = 0; tries < 120; tries += 1) {
    if ((await told.first<string>("caller")) !== null)
      return { "an intruder's agent": headers["User-Agent"] };
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error("The tenant was not told of a failed sign-in.");
}

async function post(
  url: string,
  body: object,
  expected: number,
  more: Record<string, string> = {},
): Promise<void> {
  const headers = { "Content-Type": "application/json", ...more };
  const { status, ...answer } = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (status !== expected) throw new Error(`${url} was answered ${status}: ${JSON.stringify(answer)}`);
}
