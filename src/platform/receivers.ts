import { askedWaitMs } from "#lib/retry-schedule.ts";
import { secondMs } from "#lib/time.ts";
import { systemNow } from "./clock.ts";
import { withDeadline } from "./deadline.ts";

const timeoutMs = 10 * secondMs;
const mostAnswerBytes = 64 * 1024;
const excerptCharacters = 1000;

/** How a receiver took one request. */
export interface Reception {
  readonly outcome: "accepted" | "refused" | "gone" | "redirected" | "timed-out" | "unreachable";
  /** Null where no answer came. */
  readonly status: number | null;
  readonly durationMs: number;
  /** How long the receiver asked us to wait. */
  readonly askedWaitMs: number | null;
  /** The beginning of a refusal's text. */
  readonly excerpt: string | null;
}

/** Posts a body to a receiver: one request, ten seconds for all of it, no redirect followed, at most 64 kB read. */
export async function post(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<Reception> {
  return await withDeadline(timeoutMs, async (signal): Promise<Reception> => {
    const startedAt = systemNow();
    const took = () => systemNow() - startedAt;
    try {
      const answer = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal });
      const text = await beginningOf(answer, signal);
      const outcome = outcomeOf(answer.status);
      return {
        outcome,
        status: answer.status,
        durationMs: took(),
        askedWaitMs: askedWaitMs(answer.headers.get("retry-after"), systemNow()),
        excerpt: outcome === "accepted" ? null : printable(text.slice(0, excerptCharacters)),
      };
    } catch {
      // Why a connection failed could tell of networks that are not the asker's; that it did is enough.
      const outcome = signal.aborted ? "timed-out" : "unreachable";
      return { outcome, status: null, durationMs: took(), askedWaitMs: null, excerpt: null };
    }
  });
}

// Whatever a receiver sends is shown to people: a terminal or a page shall find nothing in it but text.
function printable(text: string): string {
  return text.toWellFormed().replaceAll(/(?![\n\t])\p{Cc}/gu, "\ufffd");
}

function outcomeOf(status: number): Reception["outcome"] {
  if (status >= 200 && status < 300) return "accepted";
  if (status >= 300 && status < 400) return "redirected";
  return status === 410 ? "gone" : "refused";
}

// The status has decided by now: a text that stalls or never ends is dropped where it stands.
async function beginningOf(answer: Response, signal: AbortSignal): Promise<string> {
  if (!answer.body) return "";
  const reader = answer.body.getReader();
  const stop = () => void reader.cancel().catch(() => undefined);
  signal.addEventListener("abort", stop);
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  try {
    while (bytes < mostAnswerBytes) {
      const { done, value } = await reader.read();
      if (done) return text;
      bytes += value.byteLength;
      if (text.length < excerptCharacters) text += decoder.decode(value, { stream: true });
    }
  } catch {
    return text;
  } finally {
    signal.removeEventListener("abort", stop);
  }
  stop();
  return text;
}
