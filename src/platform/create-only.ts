/** What lies under a key is not what was to be put there: something that is never changed would have been. */
export class AlreadyOtherwise extends Error {
  readonly key: string;

  constructor(key: string) {
    super(`An object that is never changed holds something else: ${key}`);
    this.name = "AlreadyOtherwise";
    this.key = key;
  }
}

/**
 * Puts an object that is never changed. Where it lies there already with the same bytes, as after a crash, all is well.
 * @throws AlreadyOtherwise
 */
export async function putOnce(
  bucket: R2Bucket,
  key: string,
  bytes: Uint8Array<ArrayBuffer>,
  contentType: string,
): Promise<void> {
  const put = await bucket.put(key, bytes, {
    onlyIf: { etagDoesNotMatch: "*" },
    httpMetadata: { contentType },
  });
  if (put !== null) return;
  const known = await bucket.get(key);
  const there = known && new Uint8Array(await known.arrayBuffer());
  if (there?.length !== bytes.length || there.some((byte, at) => byte !== bytes[at]))
    throw new AlreadyOtherwise(key);
}
