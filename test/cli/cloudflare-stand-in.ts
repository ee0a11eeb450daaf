import { createServer, type IncomingMessage } from "node:http";
import { z } from "zod";

/** The part of Cloudflare's API that tells of bucket locks and sets them, for one account, on localhost. */
export interface StandIn {
  /** What a child process needs in its environment to be led here. */
  readonly environment: Readonly<Record<string, string>>;
  /** The rules of each bucket, as `<jurisdiction>/<name>`; a bucket that is absent does not exist. */
  readonly locks: Map<string, unknown[]>;
  /** Each bucket whose rules were set, in order. */
  readonly puts: string[];
  /** While true, the token may look and not touch. */
  isReadOnly: boolean;
  stop(): Promise<void>;
}

const token = "token-of-the-test";
const path = /^\/accounts\/account-of-the-test\/r2\/buckets\/([a-z0-9-]+)\/lock$/;
const Put = z.strictObject({ rules: z.array(z.unknown()) });

export async function startStandIn(): Promise<StandIn> {
  const server = createServer(async (request, response) => {
    const { status, body } = await answer(request);
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The stand-in has no address.");
  const standIn: StandIn = {
    environment: {
      CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${address.port}`,
      CLOUDFLARE_API_TOKEN: token,
      CLOUDFLARE_ACCOUNT_ID: "account-of-the-test",
    },
    locks: new Map(),
    puts: [],
    isReadOnly: false,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
  return standIn;

  async function answer(request: IncomingMessage) {
    if (request.headers.authorization !== `Bearer ${token}`) return refused(401, "Authentication error");
    const [, name] = path.exec(request.url ?? "") ?? [];
    if (name === undefined) return refused(404, "No route for that URI");
    const bucket = `${request.headers["cf-r2-jurisdiction"] ?? "default"}/${name}`;
    const rules = standIn.locks.get(bucket);
    if (!rules) return refused(404, "The specified bucket does not exist.");
    if (request.method === "GET")
      return { status: 200, body: { success: true, errors: [], result: { rules } } };
    if (standIn.isReadOnly) return refused(403, "Forbidden");
    let text = "";
    for await (const chunk of request) text += String(chunk);
    standIn.locks.set(bucket, Put.parse(JSON.parse(text)).rules);
    standIn.puts.push(bucket);
    return { status: 200, body: { success: true, errors: [], result: {} } };
  }
}

function refused(status: number, message: string) {
  return { status, body: { success: false, errors: [{ code: 10_000, message }], result: null } };
}
