import { secondMs } from "#lib/time.ts";
import { withDeadline } from "#platform/deadline.ts";
import type { Env } from "#platform/env.ts";
import { log } from "#platform/log.ts";
import type { Mailer, Sender, Sending } from "./mailer.ts";

const timeoutMs = 10 * secondMs;

// What the same mail would be answered again. A sender that is not verified yet is not among them: that is for the
// operator to mend, and the mail may wait for it.
const rejected = [
  "E_VALIDATION_ERROR",
  "E_FIELD_MISSING",
  "E_RECIPIENT_NOT_ALLOWED",
  "E_TOO_MANY_RECIPIENTS",
  "E_CONTENT_TOO_LARGE",
];

export function cloudflareFaults({ EMAIL }: Env): string[] {
  return typeof EMAIL?.send === "function" ? [] : ["send_email is not bound as EMAIL"];
}

/** Cloudflare's Email Service. It has no idempotency key: a mail that is sent twice bears the same X-Keyline-Mail. */
export function cloudflareMailer({ EMAIL }: Env, from: Sender): Mailer {
  return {
    from,
    async send({ id, to, subject, text, html }) {
      const message = {
        from: { name: from.name, email: from.address },
        ...{ to, subject, text, html },
        headers: { "X-Keyline-Mail": id },
      };
      try {
        const sent = await withDeadline(timeoutMs, (signal) =>
          Promise.race([EMAIL?.send(message), aborted(signal)]),
        );
        return { kind: "sent", providerId: sent?.messageId ?? null };
      } catch (error) {
        return outcomeOf(id, codeOf(error));
      }
    },
  };
}

function outcomeOf(mail: string, code: string): Sending {
  log("warn", "a mail was not taken", { mail, vendor: "cloudflare", code });
  if (code === "E_RECIPIENT_SUPPRESSED") return { kind: "refused", because: "inactive" };
  return rejected.includes(code)
    ? { kind: "refused", because: "rejected" }
    : { kind: "try-again", askedMs: null };
}

// Its message may hold the recipient's address: of the error only the code is kept.
function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return /^E_[A-Z_]{1,60}$/.test(code) ? code : "unknown";
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) =>
    signal.addEventListener("abort", () => reject(new Error("The mail took too long."))),
  );
}
