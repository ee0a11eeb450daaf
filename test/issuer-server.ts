// Outside issuers as the Worker under test meets them: a host of issuers.test each, in Node, behind real fetches. A test
// says by PUT /script what its host shall answer, well or badly, and reads at /asked how often it was.

export interface Script {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** How often the body stands in the answer. */
  readonly repeat: number;
  /** How long the answer, or where `drips` its end, lets wait. */
  readonly holdMs: number;
  readonly drips: boolean;
}

export const issuersDomain = ".issuers.test";

const scripts = new Map<string, Script>();
const asked = new Map<string, number>();
const mostRepeats = 200_000;

/** Answers for all hosts of issuers.test; nothing else is reachable from a test. */
export async function issuerServer(request: Request): Promise<Response> {
  const { host, hostname, pathname } = new URL(request.url);
  if (!hostname.endsWith(issuersDomain)) return new Response("nobody is there", { status: 502 });
  if (pathname === "/script") {
    scripts.set(host, JSON.parse(await request.text()));
    return new Response("ok");
  }
  if (pathname === "/asked") return Response.json(asked.get(host) ?? 0);
  asked.set(host, (asked.get(host) ?? 0) + 1);
  const script = scripts.get(host);
  if (!script) return new Response("no such issuer", { status: 404 });
  return await played(script);
}

async function played({ status, headers, body, repeat, holdMs, drips }: Script): Promise<Response> {
  if (drips) return new Response(dripping(body, holdMs), { status, headers });
  if (holdMs > 0) await held(holdMs);
  return new Response(status === 204 ? null : body.repeat(Math.min(repeat, mostRepeats)), {
    status,
    headers,
  });
}

function dripping(body: string, holdMs: number): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(body);
  return new ReadableStream({
    async start(controller) {
      controller.enqueue(bytes.slice(0, 10));
      await held(holdMs);
      try {
        controller.enqueue(bytes.slice(10));
        controller.close();
      } catch {
        // Nobody listens any more.
      }
    },
  });
}

function held(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
