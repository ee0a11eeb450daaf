import { CompactSign, exportJWK, generateKeyPair, importJWK, type JWK } from "jose";
import { linkMember } from "#identity/outside/link-member.ts";
import { linkOrganization } from "#identity/outside/organizations.ts";
import { newId } from "#platform/ids.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { issuersDomain, type Script } from "#test/issuer-server.ts";
import { webhookHeaders } from "#test/svix.ts";
import { envWith, type Role, type TestTenant } from "#test/world.ts";

export const frontEnd = "https://app.keyline.example";

export type KeyPair = {
  readonly publicJwk: JWK & { kid: string };
  readonly privateJwk: JWK & { kid: string };
};

/** A key pair of this algorithm under a name of its own. */
export async function newKeyPair(alg: string, options: object = {}): Promise<KeyPair> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true, ...options });
  const use = { kid: `ins_${newId("kid")}`, alg, use: "sig" };
  return {
    publicJwk: { ...(await exportJWK(publicKey)), ...use },
    privateJwk: { ...(await exportJWK(privateKey)), ...use },
  };
}

let rsa: Promise<KeyPair> | undefined;

/** Making an RSA key takes long: one serves all issuers of a file that do not need their own. */
export function rsaKeyPair(): Promise<KeyPair> {
  rsa ??= newKeyPair("RS256");
  return rsa;
}

/** Signs whatever it is given, right or wrong: the verifier under test decides. */
export async function signed(
  { privateJwk }: KeyPair,
  claims: object | string,
  header: Record<string, unknown> = {},
): Promise<string> {
  const alg = String(privateJwk.alg);
  const payload = typeof claims === "string" ? claims : JSON.stringify(claims);
  return new CompactSign(new TextEncoder().encode(payload))
    .setProtectedHeader({ alg, kid: privateJwk.kid, typ: "JWT", cat: "cl_B7d4PD111AAA", ...header })
    .sign(await importJWK(privateJwk, alg));
}

export const roleMapping = {
  "org:boss": "owner",
  "org:admin": "admin",
  "org:fitter": "installer",
  "org:member": { role: "staff", allLocations: true },
  "org:sales": "sales",
  "org:guest": "viewer",
};

/** An outside issuer with its own host, keys, secret and entry in OUTSIDE_ISSUERS. */
export class TestIssuer {
  readonly name: string;
  readonly host: string;
  readonly keys: KeyPair;
  readonly secret = `whsec_${btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(24))))}`;
  readonly entry: Record<string, unknown> & { issuer: string };

  constructor(keys: KeyPair, changes: object = {}) {
    this.name = `clerk-${newId("x").slice(-12)}`;
    this.host = `${this.name}${issuersDomain}`;
    this.keys = keys;
    this.entry = {
      name: this.name,
      issuer: `https://${this.host}`,
      authorizedParties: [frontEnd, "https://other.keyline.example"],
      roles: roleMapping,
      ...changes,
    };
  }

  /** The bindings of a deployment that takes this issuer's tokens, and others' if given. */
  env(changes: Readonly<Record<string, unknown>> = {}, ...others: readonly TestIssuer[]): TestEnv {
    const issuers = [this, ...others];
    return envWith({
      OUTSIDE_ISSUERS: JSON.stringify(issuers.map(({ entry }) => entry)),
      OUTSIDE_ISSUER_SECRETS: issuers.map(({ name, secret }) => `${name}:${secret}`).join(","),
      ...changes,
    });
  }

  async publish(...pairs: readonly KeyPair[]): Promise<void> {
    await this.answer({ body: JSON.stringify({ keys: pairs.map(({ publicJwk }) => publicJwk) }) });
  }

  async answer(script: Partial<Script>): Promise<void> {
    const whole: Script = {
      status: 200,
      headers: {},
      body: "",
      repeat: 1,
      holdMs: 0,
      drips: false,
      ...script,
    };
    const told = await fetch(`https://${this.host}/script`, { method: "PUT", body: JSON.stringify(whole) });
    await told.text();
  }

  async timesAsked(): Promise<number> {
    return Number(await (await fetch(`https://${this.host}/asked`)).text());
  }

  /** A session token of version 2, or of what is told, as Clerk makes it at this moment. */
  async token(session: Session, changes: object = {}, header: Record<string, unknown> = {}): Promise<string> {
    return await signed(this.keys, this.claims(session, changes), header);
  }

  claims({ organization, role, subject, version = 2 }: Session, changes: object = {}) {
    const now = Math.floor(Date.now() / 1000);
    const of = { iss: this.entry.issuer, sub: subject, sid: "sess_2abc", azp: frontEnd };
    const times = { iat: now, nbf: now - 10, exp: now + 60, jti: crypto.randomUUID() };
    const bare = role.replace("org:", "");
    const organizationClaims =
      version === 2
        ? {
            v: 2,
            fva: [3, -1],
            sts: "active",
            fea: "o:orders",
            o: { id: organization, rol: bare, slg: "acme" },
          }
        : { org_id: organization, org_role: role, org_slug: "acme", org_permissions: [] };
    return { ...of, ...times, ...organizationClaims, ...changes };
  }

  /** A webhook of this issuer's, signed. */
  async message(event: object, { id = `msg_${newId("x").slice(2)}`, nowMs = Date.now() } = {}) {
    const body = JSON.stringify(event);
    return { body, headers: await webhookHeaders([this.secret], { id, nowMs, body }) };
  }
}

export interface Session {
  readonly organization: string;
  readonly role: string;
  readonly subject: string;
  readonly version?: 1 | 2;
}

/** One membership as Clerk tells of it; `at` is its clock, ms since 1970. */
export interface Membership {
  readonly organization: string;
  readonly subject: string;
  readonly membership?: string;
  readonly role?: string;
  readonly joinedAt?: number;
  readonly at?: number;
}

export function membershipEvent(verb: "created" | "updated" | "deleted", given: Membership): object {
  const { organization, subject, membership = `orgmem_${subject}`, role = "org:member" } = given;
  const { joinedAt = 1_790_000_000_000, at = joinedAt } = given;
  const person = { user_id: subject, identifier: "zqclerkperson@canary.example", first_name: "Zqclerkname" };
  return {
    type: `organizationMembership.${verb}`,
    object: "event",
    instance_id: "ins_1",
    timestamp: at,
    data: {
      object: "organization_membership",
      id: membership,
      role,
      created_at: joinedAt,
      updated_at: at,
      organization: { id: organization, name: "Acme", slug: "acme" },
      public_user_data: person,
    },
  };
}

export function deletionEvent(kind: "user" | "organization", id: string): object {
  return {
    type: `${kind}.deleted`,
    object: "event",
    timestamp: Date.now(),
    data: { deleted: true, id, object: kind },
  };
}

export async function newIssuer(changes: object = {}, keys?: KeyPair): Promise<TestIssuer> {
  const issuer = new TestIssuer(keys ?? (await rsaKeyPair()), changes);
  await issuer.publish(issuer.keys);
  return issuer;
}

function runOf() {
  return { job: "test.link", requestId: newId("run"), now: Date.now() };
}

/** Links an organization of its own to the tenant. */
export async function newOrganization(issuer: TestIssuer, tenant: TestTenant): Promise<string> {
  const organization = `org_${newId("x").slice(2)}`;
  const link = { issuer: issuer.entry.issuer, organization };
  const outcome = await linkOrganization(testEnv(), link, tenant.slug, runOf());
  if (outcome !== "linked") throw new Error(`The organization was not linked: ${outcome}`);
  return organization;
}

/** Somebody of the organization who is the tenant's member of this role. */
export async function newPerson(
  issuer: TestIssuer,
  organization: string,
  tenant: TestTenant,
  role: Role,
): Promise<string> {
  const subject = `user_${newId("x").slice(2)}`;
  const person = { issuer: issuer.entry.issuer, organization, subject };
  const outcome = await linkMember(testEnv(), person, tenant.memberIds[role], runOf());
  if (outcome !== "linked") throw new Error(`The member was not linked: ${outcome}`);
  return subject;
}
