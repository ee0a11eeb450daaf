import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { newAddress, newEmail, type TestUser } from "#test/identity/kit.ts";
import type { Visitor } from "#test/sign-in-server.ts";

const { call } = clientOf();

/** What an issuer sends a browser back with: to which address, and the query or the form. */
export interface Returned {
  readonly to: string;
  readonly parameters: string;
}

/** The issuer's page, as this visitor of it. */
export async function visited(authorizationUrl: string, visitor: Visitor): Promise<Returned> {
  const answer = await fetch(authorizationUrl, {
    headers: { "x-visitor": JSON.stringify(visitor) },
    redirect: "manual",
  });
  if (answer.status === 200) {
    const { to, form } = await answer.json<{ to: string; form: string }>();
    return { to, parameters: form };
  }
  if (answer.status !== 302) throw new Error(`The issuer refused our request: ${await answer.text()}`);
  const url = new URL(answer.headers.get("location") ?? "");
  return { to: `${url.origin}${url.pathname}`, parameters: url.search.slice(1) };
}

export interface Trip extends Returned {
  readonly flow: string;
  readonly source: string;
}

/** To the issuer and back, as far as our door. */
export async function tripTo(source: string, visitor: Visitor, headers = newAddress()): Promise<Trip> {
  const begun = await call("sign-in.federated", { body: { source }, headers });
  if (begun.status !== 201) throw new Error(`Nothing was begun: ${begun.text}`);
  return { ...(await visited(begun.json.authorizationUrl, visitor)), flow: begun.json.flow, source };
}

export async function arriveBy(
  { flow, source, parameters }: Omit<Trip, "to">,
  headers = newAddress(),
  env = testEnv(),
) {
  return await call("sign-in.federatedComplete", { body: { flow, source, parameters }, headers, env });
}

/** Signs in at an issuer as this visitor of it. */
export async function signInAt(source: string, visitor: Visitor) {
  const headers = newAddress();
  return await arriveBy(await tripTo(source, visitor, headers), headers);
}

/** What Google says of somebody whose mailbox it speaks for. */
export function googleClaims() {
  return {
    sub: newSubject(),
    email: newEmail().replace("people.example", "gmail.com"),
    email_verified: true,
  };
}

/** Somebody who has signed up by Google, and has no password. */
export async function newWithoutPassword(): Promise<TestUser> {
  const claims = googleClaims();
  const { status, text, json } = await signInAt("google", { claims });
  if (status !== 201) throw new Error(`Nobody was signed up: ${text}`);
  return { ...json, email: claims.email, password: "" };
}

let people = 0;

/** A subject that nobody was yet. */
export function newSubject(): string {
  people += 1;
  return `whoever-${crypto.randomUUID()}-${people}`;
}

/** An address that Google speaks for. */
export const gmail = () => newEmail().replace("people.example", "gmail.com");
