import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from "jose";

/** A key pair for access tokens: the public half is published, the private one sealed in the directory. */
export async function newSigningKey(): Promise<{
  publicJwk: JWK & { kid: string };
  privateJwk: JWK & { kid: string };
}> {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const [publicPart, privatePart] = await Promise.all([exportJWK(publicKey), exportJWK(privateKey)]);
  // RFC 7638: the id follows from the key, so it can neither collide nor be chosen.
  const use = { kid: await calculateJwkThumbprint(publicPart), alg: "ES256", use: "sig" };
  return { publicJwk: { ...publicPart, ...use }, privateJwk: { ...privatePart, ...use } };
}
