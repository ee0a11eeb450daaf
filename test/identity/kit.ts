import { generateSync } from "otplib";
import { insert } from "#db/changes.ts";
import { openDirectory } from "#db/directory.ts";
import { memberships } from "#db/directory-tables.ts";
import { systemSession } from "#db/open-tenant.ts";
import { many } from "#db/queries.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { noCapabilities } from "#gate/capabilities.ts";
import type { Role } from "#gate/roles.ts";
import { members } from "#gate/tables.ts";
import { outgoingMails } from "#mail/tables.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { Authenticator } from "#test/identity/authenticator.ts";
import { memberToken, newTenant, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();

export const goodPassword = "four quiet lanterns drift";

const somebodysName = "Wilhelmina Quartermain";

/** What must stand nowhere of the people made here: their name, their addresses of both kinds, their numbers. */
export const somebody = [
  "Wilhelmina",
  "Quartermain",
  "@people.example",
  "@gmail.com",
  "whoever-",
  "198.18.",
  "+319701",
];

/** An address that nobody has. */
export function newEmail(): string {
  return `${newId("x").slice(2)}@people.example`;
}

let people = 0;

/** Where a request comes from: a network of its own, as a network's tries are counted together. */
export function newAddress(): Record<string, string> {
  people += 1;
  return { "CF-Connecting-IP": `198.18.${people >> 8}.${people & 255}` };
}

/** The mails on their way to this address, the newest first. */
export async function mailsTo(email: string) {
  const directory = await openDirectory(testEnv());
  const { mails } = await directory.read({ mails: many(outgoingMails, { limit: 1000 }) });
  return mails
    .filter(({ recipient }) => recipient === email)
    .map(({ id, kind, data, userId }) => ({
      id,
      kind,
      userId,
      data: JSON.parse(data) as Record<string, string>,
    }));
}

/** The token of the link in the newest mail to this address. */
export async function tokenMailedTo(email: string): Promise<string> {
  const [mail] = await mailsTo(email);
  const token = new URL(mail?.data.link ?? "https://none.example").searchParams.get("token");
  if (token === null) throw new Error(`No link was mailed to ${email}.`);
  return token;
}

export interface TestUser {
  readonly email: string;
  readonly password: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly sessionId: string;
}

/** Somebody with an account, signed in. */
export async function newUser(password = goodPassword, env = testEnv()): Promise<TestUser> {
  const email = newEmail();
  const headers = newAddress();
  await call("sign-ups.create", { body: { name: somebodysName, email, password }, headers, env });
  const token = await tokenMailedTo(email);
  const { status, text, json } = await call("sign-ups.verify", { body: { token, password }, headers, env });
  if (status !== 201) throw new Error(`Nobody was signed up: ${text}`);
  return { email, password, ...json };
}

/** What became of a mail, as the audit has it. */
export async function outcomeOfMail(id: string | undefined): Promise<unknown> {
  const text = "select row from audit_log where entity_id = ? and action = 'note'";
  const [note] = await rowsOf<{ row: string }>(testEnv().DIRECTORY, text, id ?? "");
  return JSON.parse(note?.row ?? "{}").outcome;
}

/** Makes a user a member, as an invitation will. */
export async function join(user: TestUser, { tenantId, cell }: TestTenant, role: Role): Promise<string> {
  const now = Date.now();
  const userId = (await call("me.get", { as: user.accessToken })).json.id;
  const member = {
    id: newId("mbr"),
    userId,
    role,
    grants: noCapabilities,
    denials: noCapabilities,
    state: "active" as const,
    allLocations: 1,
  };
  const run = { job: "test.join", requestId: newId("run"), now };
  const session = await systemSession(testEnv(), cell.database, tenantId);
  await commitAsSystem(session, run, [insert(members, member, now)]);
  const index = { id: newId("mem"), userId, memberTenantId: tenantId };
  await commitAsSystem(await openDirectory(testEnv()), run, [insert(memberships, index, now)]);
  return member.id;
}

export function signIn(email: string, password = goodPassword, env = testEnv()) {
  return call("sign-in.password", { body: { email, password }, headers: newAddress(), env });
}

/** The code that an authenticator shows now, or so many steps later; none is good twice. */
export function codeOf(secret: string, stepsLater = 0): string {
  return generateSync({ secret, epoch: Math.floor(Date.now() / 1000) + 30 * stepsLater });
}

export interface Enrolled extends TestUser {
  readonly totpId: string;
  readonly secret: string;
  readonly recoveryCodes: readonly string[];
}

/** Somebody with an authenticator, confirmed by the code of the step before: this step's and the next's are left. */
export async function newEnrolled(): Promise<Enrolled> {
  return await enrolled(await newUser());
}

export async function enrolled(user: TestUser): Promise<Enrolled> {
  const begun = await call("totp.begin", { as: user.accessToken });
  const { id: totpId, secret } = begun.json;
  const confirmed = await call("totp.confirm", {
    as: user.accessToken,
    params: { totpId },
    body: { code: codeOf(secret, -1) },
  });
  if (confirmed.status !== 200) throw new Error(`Nothing was confirmed: ${confirmed.text}`);
  return { ...user, totpId, secret, recoveryCodes: confirmed.json.recoveryCodes };
}

/** What the second step goes on from. */
export async function challengeOf(user: TestUser): Promise<string> {
  const { status, json, text } = await signIn(user.email, user.password);
  if (status !== 401 || json.challenge === undefined) throw new Error(`There is no challenge: ${text}`);
  return json.challenge;
}

export interface Bearer extends TestUser {
  readonly device: Authenticator;
  readonly passkeyId: string;
  readonly recoveryCodes: readonly string[] | null;
}

/** Somebody with a passkey. */
export async function newBearer(isSynced = false): Promise<Bearer> {
  return await withPasskey(await newUser(), isSynced);
}

export async function withPasskey(user: TestUser, isSynced = false): Promise<Bearer> {
  const as = user.accessToken;
  const device = new Authenticator(testEnv().PUBLIC_ORIGIN, isSynced);
  const { json: options } = await call("passkeys.begin", { as });
  const body = { name: "Phone", response: await device.create(options) };
  const { status, text, json } = await call("passkeys.add", { as, body });
  if (status !== 201) throw new Error(`No passkey was added: ${text}`);
  return { ...user, device, passkeyId: json.id, recoveryCodes: json.recoveryCodes };
}

let numbers = 0;

/** A telephone of nobody's. */
export function newNumber(): string {
  numbers += 1;
  return `+319701${String(Date.now() % 1000).padStart(3, "0")}${String(numbers).padStart(4, "0")}`;
}

/** The code in the newest text to this number. */
export async function codeTextedTo(number: string): Promise<string> {
  const [text] = await mailsTo(number);
  const code = text?.kind === "sms-code" ? text.data.code : undefined;
  if (code === undefined) throw new Error("No code was texted to that number.");
  return code;
}

/** Has a tenant take codes by SMS for a second factor, and ask whom it asks. */
export async function allowSms(
  tenant: TestTenant,
  allowsSms = true,
  secondFactor: "off" | "elevated" | "everyone" = "off",
): Promise<void> {
  const as = await memberToken(tenant, "owner");
  const body = { secondFactor, allowsSms };
  const answer = await call("security-policy.update", { tenant: tenant.slug, as, body });
  if (answer.status !== 200) throw new Error(`SMS was not allowed: ${answer.text}`);
}

let allowing: Promise<TestTenant> | null = null;
let handedOut = 0;

/** A tenant where SMS is allowed, for who needs any; another before its day's texts are spent. */
async function anAllowingTenant(): Promise<TestTenant> {
  if (handedOut % 25 === 0)
    allowing = newTenant().then(async (tenant) => {
      await allowSms(tenant);
      return tenant;
    });
  handedOut += 1;
  return await (allowing ?? newTenant());
}

export interface Texted extends TestUser {
  readonly number: string;
  readonly recoveryCodes: readonly string[] | null;
}

/** Somebody who may have codes by SMS. */
export async function newTextable(password = goodPassword, role: Role = "staff"): Promise<TestUser> {
  const user = await newUser(password);
  await join(user, await anAllowingTenant(), role);
  return user;
}

/** Somebody with codes by SMS, and nothing else. */
export async function newTexted(): Promise<Texted> {
  return await texted(await newTextable());
}

/** Sends a code to this number, which they say is theirs. */
export async function beginSms(user: TestUser, number: string) {
  return await call("sms.begin", { as: user.accessToken, body: { number }, headers: newAddress() });
}

export async function texted(user: TestUser, number = newNumber()): Promise<Texted> {
  const begun = await beginSms(user, number);
  if (begun.status !== 201) throw new Error(`No code was sent: ${begun.text}`);
  const body = { code: await codeTextedTo(number) };
  const confirmed = await call("sms.confirm", { as: user.accessToken, body, headers: newAddress() });
  if (confirmed.status !== 200) throw new Error(`No number was confirmed: ${confirmed.text}`);
  return { ...user, number, recoveryCodes: confirmed.json.recoveryCodes };
}

/** Has the code sent that a sign-in goes on by. */
export async function codeForSignIn({ number }: Texted, challenge: string): Promise<string> {
  const sent = await call("sign-in.sendSms", { body: { challenge }, headers: newAddress() });
  if (sent.status !== 201) throw new Error(`No code was sent: ${sent.text}`);
  return await codeTextedTo(number);
}

export async function proofOptions() {
  return (await call("passkey-challenges.create", {})).json;
}
