import { type KekProvider, kekProvider, textKeks } from "#crypto/kek.ts";

/** What a Worker whose secret KEYLINE_KEKS is this text wraps with. */
export async function keksOfText(text: string): Promise<KekProvider> {
  return kekProvider(await textKeks(text));
}
