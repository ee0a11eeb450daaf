import { timingSafeEqual } from "#crypto/constant-time.ts";
import { openDirectory } from "#db/directory.ts";
import { recordDraft, replayKey } from "#db/replay.ts";
import { encodeBase64Url } from "#lib/base64url.ts";
import type { Env } from "#platform/env.ts";
import { postmarkAuthorization } from "#platform/mail/postmark.ts";
import { parsePostmarkEvent } from "./postmark-events.ts";
import { changeAddress } from "./suppressions.ts";

const job = "mail.postmark";
// Postmark tries for some hours; a bounce that comes again after its address was reactivated is none.
const remembersDays = 30;

/** Takes in what Postmark tells of an address, once. */
export async function receiveFromPostmark(
  env: Env,
  authorization: string | undefined,
  body: Uint8Array<ArrayBuffer>,
  { now, requestId }: { readonly now: number; readonly requestId: string },
): Promise<"done" | "ignored" | "unknown-issuer" | "not-genuine" | "malformed"> {
  const expected = postmarkAuthorization(env);
  if (expected === null) return "unknown-issuer";
  if (!timingSafeEqual(authorization ?? "", expected)) return "not-genuine";
  const news = parsePostmarkEvent(body);
  if (news === "malformed") return "malformed";
  if (news === null) return "ignored";
  const directory = await openDirectory(env);
  // It gives no id of its own to each message, and the same bytes are the same message.
  const digest = encodeBase64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", body)));
  const key = await replayKey(directory.keys, {
    principalId: "postmark",
    operation: job,
    key: digest,
    request: "",
  });
  const seal = async () => ({ answer: null, subjectId: null });
  const record = recordDraft(key, { status: 204, intentId: null, seal, now, days: remembersDays });
  await changeAddress(directory, news, { job, requestId, now, actorId: "postmark" }, record);
  return "done";
}
