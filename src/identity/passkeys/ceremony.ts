import type { Row } from "#db/tenant-table.ts";
import type { DirectoryContext } from "#http/account-operation.ts";
import type { passkeys } from "#identity/tables.ts";
import { decodeBase64Url, encodeBase64Url } from "#lib/base64url.ts";
import { minuteMs } from "#lib/time.ts";
import { timeOfId } from "#lib/typeid.ts";
import { utf8 } from "#lib/utf8.ts";
import type { Assertion, Attestation } from "./schema.ts";

/** How long a browser may take, and so how long a challenge is good. */
const challengeLivesMs = 5 * minuteMs;
// What a challenge is for is part of it: one that was asked for to sign in registers nothing.
const turns = { register: 1, prove: 2 } as const;
type Purpose = keyof typeof turns;

// COSE's numbers of EdDSA, ES256 and RS256.
const algorithms = [-8, -7, -257];

// It brings a reader of certificates along: an isolate that meets no passkey holds none of it.
const webAuthn = () => import("@simplewebauthn/server");

type Passkey = Row<typeof passkeys>;

// A challenge is a mac token of an id that tells its time, so that asking for one, which anybody may, writes nothing.
async function newChallenge({ accounts, newId }: DirectoryContext, purpose: Purpose): Promise<string> {
  const token = await accounts.makeToken("passkey", { id: newId("wac"), turn: turns[purpose] });
  return encodeBase64Url(utf8(token));
}

/** Options for `navigator.credentials.create()` (WebAuthn level 3, section 5.4). */
export async function registrationOptions(
  context: DirectoryContext,
  me: { readonly id: string; readonly name: string; readonly email: string },
  known: readonly Passkey[],
) {
  return {
    challenge: await newChallenge(context, "register"),
    rp: { name: context.accounts.siteName, id: hostOf(context) },
    user: { id: encodeBase64Url(utf8(me.id)), name: me.email, displayName: me.name },
    pubKeyCredParams: algorithms.map((alg) => ({ type: "public-key" as const, alg })),
    timeout: challengeLivesMs,
    attestation: "none" as const,
    excludeCredentials: known.map(({ credentialId }) => ({
      id: credentialId,
      type: "public-key" as const,
    })),
    // So that it tells who its user is, and that it was them: then it proves as much as a password and a code.
    authenticatorSelection: {
      residentKey: "required" as const,
      requireResidentKey: true as const,
      userVerification: "required" as const,
    },
  };
}

/** Options for `navigator.credentials.get()`: the same whoever asks, as the passkey tells whose it is. */
export async function proofOptions(context: DirectoryContext) {
  return {
    challenge: await newChallenge(context, "prove"),
    rpId: hostOf(context),
    timeout: challengeLivesMs,
    userVerification: "required" as const,
  };
}

/** What is stored of a new passkey; null where the response is not what was asked for. */
export async function verifyNewPasskey(context: DirectoryContext, response: Attestation) {
  const challenge = takenChallenge(context, "register");
  const { transports = [] } = response.response;
  const { verifyRegistrationResponse } = await webAuthn();
  const verified = await verifyRegistrationResponse({
    response: {
      ...response,
      response: { ...response.response, transports },
      clientExtensionResults: {},
    },
    supportedAlgorithmIDs: algorithms,
    ...expected(context, challenge.check),
  }).catch(() => null);
  const lastChallenge = challenge.id();
  if (!verified?.verified || lastChallenge === null) return null;
  const { credential, credentialBackedUp } = verified.registrationInfo;
  return {
    credentialId: credential.id,
    publicKey: encodeBase64Url(credential.publicKey),
    counter: credential.counter,
    isSynced: credentialBackedUp ? 1 : 0,
    transports: JSON.stringify(transports),
    lastChallenge,
  };
}

/** What a proof by this passkey changes of it; null where it proves nothing. */
export async function verifyProof(context: DirectoryContext, response: Assertion, passkey: Passkey) {
  const publicKey = decodeBase64Url(passkey.publicKey);
  if (!publicKey) throw new Error("A passkey's public key is no base64url.");
  const challenge = takenChallenge(context, "prove");
  const { userHandle = "", ...signed } = response.response;
  const { verifyAuthenticationResponse } = await webAuthn();
  const verified = await verifyAuthenticationResponse({
    response: { ...response, response: { ...signed, userHandle }, clientExtensionResults: {} },
    credential: { id: passkey.credentialId, publicKey, counter: passkey.counter },
    ...expected(context, challenge.check),
  }).catch(() => null);
  const id = challenge.id();
  if (!verified?.verified || id === null) return null;
  // Each challenge once: ids sort by time, and of two at once one finds the row as it read it.
  if (id <= passkey.lastChallenge) return null;
  const { newCounter, credentialBackedUp } = verified.authenticationInfo;
  return { counter: newCounter, isSynced: credentialBackedUp ? 1 : 0, lastChallenge: id };
}

/** RFC 8176: a key in hardware, or one that its maker keeps a copy of; and both are unlocked by their user. */
export function amrOf({ isSynced }: { readonly isSynced: number }): string[] {
  return [isSynced === 1 ? "swk" : "hwk", "user", "mfa"];
}

function takenChallenge({ accounts, now }: DirectoryContext, purpose: Purpose) {
  let id: string | null = null;
  return {
    id: () => id,
    async check(text: string): Promise<boolean> {
      const bytes = decodeBase64Url(text);
      const named = bytes && (await accounts.readToken("passkey", new TextDecoder().decode(bytes)));
      if (!named) return false;
      if (named.turn !== turns[purpose]) return false;
      if (now - timeOfId(named.id) > challengeLivesMs) return false;
      id = named.id;
      return true;
    },
  };
}

function expected(context: DirectoryContext, check: (challenge: string) => Promise<boolean>) {
  return {
    expectedChallenge: check,
    expectedOrigin: new URL(context.accounts.issuer).origin,
    expectedRPID: hostOf(context),
    requireUserVerification: true,
  };
}

function hostOf({ accounts }: DirectoryContext): string {
  return new URL(accounts.issuer).hostname;
}
