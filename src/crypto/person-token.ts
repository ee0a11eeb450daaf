import { normaliseEmail } from "#lib/normalise.ts";
import { exactToken } from "./blind-index.ts";
import { hmacText, importHmacKey } from "./hmac.ts";

/** Who is to be told apart from whom: a token says nothing in another cell, nor a sandbox's among those in earnest. */
interface PersonSphere {
  readonly cell: string;
  readonly isSandbox: boolean;
}

/**
 * One person's token in one cell, the same at each of its tenants: made only where they consent to be known again. null
 * where the text is no e-mail address. `platformKey` is the directory's index key, which is pinned, so that tokens stay
 * good through every rotation.
 */
export async function personToken(
  platformKey: CryptoKey,
  { cell, isSandbox }: PersonSphere,
  email: string,
): Promise<string | null> {
  const normalised = normaliseEmail(email);
  if (normalised === null) return null;
  // The salt is a key: whoever held one cell's could still not tell who is who in another.
  const sphere = await hmacText(platformKey, "person", JSON.stringify([cell, isSandbox ? "test" : "live"]));
  return await exactToken(await importHmacKey(sphere), "person", normalised);
}
