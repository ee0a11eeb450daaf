import { encodeBase64Url } from "#lib/base64url.ts";
import { utf8 } from "#lib/utf8.ts";

/** What goes wrong on purpose; nothing unless told. */
export interface Odd {
  readonly origin?: string;
  readonly rpId?: string;
  readonly type?: string;
  readonly isVerified?: boolean;
  readonly counter?: number;
  readonly challenge?: string;
  readonly signWith?: CryptoKeyPair;
}

interface Asked {
  readonly challenge: string;
}

const flag = { present: 0x01, verified: 0x04, backupEligible: 0x08, backedUp: 0x10, attested: 0x40 };

/** An authenticator of our own making (WebAuthn level 3, section 6), ES256, which tells the truth unless told otherwise. */
export class Authenticator {
  readonly origin: string;
  readonly isSynced: boolean;
  readonly id = encodeBase64Url(crypto.getRandomValues(new Uint8Array(32)));
  #keys: CryptoKeyPair | undefined;
  #userHandle = "";
  #counter = 0;

  constructor(origin: string, isSynced = false) {
    this.origin = origin;
    this.isSynced = isSynced;
  }

  /** As `PublicKeyCredential.toJSON()` after `navigator.credentials.create()`. */
  async create(options: Asked & { readonly user: { readonly id: string } }, odd: Odd = {}) {
    this.#keys = await newKeys();
    this.#userHandle = options.user.id;
    const credentialId = decoded(this.id);
    const attested = [
      new Uint8Array(16),
      new Uint8Array([credentialId.length >> 8, credentialId.length & 255]),
      credentialId,
      await coseOf(this.#keys.publicKey),
    ];
    const authData = joined(await this.#data(odd, flag.attested), ...attested);
    const attestationObject = cbor(
      new Map<string, unknown>([
        ["fmt", "none"],
        ["attStmt", new Map()],
        ["authData", authData],
      ]),
    );
    const clientDataJSON = this.#clientData("webauthn.create", options, odd);
    return {
      ...this.#named(),
      response: {
        clientDataJSON: encodeBase64Url(clientDataJSON),
        attestationObject: encodeBase64Url(attestationObject),
        transports: ["internal"],
      },
    };
  }

  /** The same after `navigator.credentials.get()`. */
  async prove(options: Asked, odd: Odd = {}) {
    this.#counter += this.isSynced ? 0 : 1;
    const authenticatorData = await this.#data(odd, 0);
    const clientDataJSON = this.#clientData("webauthn.get", options, odd);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", clientDataJSON));
    const key = (odd.signWith ?? this.#keys)?.privateKey;
    if (!key) throw new Error("Nothing was registered.");
    const raw = await crypto.subtle.sign(
      { name: "ECDSA", hash: "SHA-256" },
      key,
      joined(authenticatorData, digest),
    );
    return {
      ...this.#named(),
      response: {
        clientDataJSON: encodeBase64Url(clientDataJSON),
        authenticatorData: encodeBase64Url(authenticatorData),
        signature: encodeBase64Url(derOf(new Uint8Array(raw))),
        userHandle: this.#userHandle,
      },
    };
  }

  #named() {
    return { id: this.id, rawId: this.id, type: "public-key" as const };
  }

  #clientData(type: string, { challenge }: Asked, odd: Odd) {
    const { origin } = this;
    const said = {
      type: odd.type ?? type,
      challenge: odd.challenge ?? challenge,
      origin: odd.origin ?? origin,
    };
    return utf8(JSON.stringify({ ...said, crossOrigin: false }));
  }

  async #data(odd: Odd, more: number): Promise<Uint8Array<ArrayBuffer>> {
    const rpId = odd.rpId ?? new URL(this.origin).hostname;
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(rpId)));
    const verified = (odd.isVerified ?? true) ? flag.verified : 0;
    const backup = this.isSynced ? flag.backupEligible | flag.backedUp : 0;
    const counter = odd.counter ?? this.#counter;
    const counted = new Uint8Array([0, 0, counter >> 8, counter & 255]);
    return joined(digest, new Uint8Array([flag.present | verified | backup | more]), counted);
  }
}

export async function newKeys(): Promise<CryptoKeyPair> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  return (await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as CryptoKeyPair;
}

// RFC 9053, section 7.1.1.
async function coseOf(key: CryptoKey): Promise<Uint8Array> {
  const { x = "", y = "" } = (await crypto.subtle.exportKey("jwk", key)) as JsonWebKey;
  return cbor(
    new Map<number, unknown>([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, decoded(x)],
      [-3, decoded(y)],
    ]),
  );
}

// RFC 8949, of what is needed here.
function cbor(value: unknown): Uint8Array<ArrayBuffer> {
  if (typeof value === "number") return value >= 0 ? head(0, value) : head(1, -1 - value);
  if (typeof value === "string") return joined(head(3, utf8(value).length), utf8(value));
  if (value instanceof Uint8Array) return joined(head(2, value.length), value);
  if (value instanceof Map)
    return joined(head(5, value.size), ...[...value].flatMap(([key, each]) => [cbor(key), cbor(each)]));
  throw new Error("CBOR of this is not needed here.");
}

function head(major: number, length: number): Uint8Array<ArrayBuffer> {
  if (length < 24) return new Uint8Array([(major << 5) | length]);
  if (length < 256) return new Uint8Array([(major << 5) | 24, length]);
  return new Uint8Array([(major << 5) | 25, length >> 8, length & 255]);
}

// Two integers of X.690: no leading zero, but where the number would read as negative.
function derOf(raw: Uint8Array): Uint8Array<ArrayBuffer> {
  const numbers = [raw.slice(0, 32), raw.slice(32)].map((half) => {
    const from = half.findIndex((byte) => byte !== 0);
    const bytes = half.slice(from);
    const whole = (bytes[0] ?? 0) > 127 ? joined(new Uint8Array(1), bytes) : bytes;
    return joined(new Uint8Array([2, whole.length]), whole);
  });
  const inner = joined(...numbers);
  return joined(new Uint8Array([0x30, inner.length]), inner);
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function decoded(text: string): Uint8Array {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
}
