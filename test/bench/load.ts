import { connect, type Socket } from "node:net";
import { performance } from "node:perf_hooks";

/** What a round of load came to. */
export interface Round {
  readonly requestsPerSecond: number;
  /** Of each request, unsorted. */
  readonly latenciesMs: readonly number[];
}

export interface Call {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * Sends calls over so many connections, one at a time on each, for so long. It writes to sockets by itself, because a
 * full HTTP client costs as much as the server that is to be measured, and would blur the ratio.
 * @throws Error at an answer that is no success: it would count work that was not done
 */
export async function load(
  url: URL,
  next: () => Call,
  { connections, seconds }: { connections: number; seconds: number },
): Promise<Round> {
  const clients = await Promise.all(Array.from({ length: connections }, () => Client.open(url)));
  const latenciesMs: number[] = [];
  const startedAt = performance.now();
  const until = startedAt + seconds * 1000;
  await Promise.all(
    clients.map(async (client) => {
      for (let sentAt = performance.now(); sentAt < until; sentAt = performance.now()) {
        await client.send(next());
        latenciesMs.push(performance.now() - sentAt);
      }
      client.close();
    }),
  );
  const elapsedMs = performance.now() - startedAt;
  return { requestsPerSecond: (latenciesMs.length * 1000) / elapsedMs, latenciesMs };
}

/** One keep-alive connection; knows as much of HTTP/1.1 as workerd answers with. */
class Client {
  readonly #socket: Socket;
  readonly #host: string;
  #received = "";
  #waiting: { resolve: () => void; reject: (error: Error) => void } | null = null;

  static async open(url: URL): Promise<Client> {
    const socket = connect(Number(url.port), url.hostname);
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return new Client(socket, url.host);
  }

  constructor(socket: Socket, host: string) {
    this.#socket = socket.setNoDelay(true).setEncoding("latin1");
    this.#host = host;
    socket.on("data", (chunk: string) => this.#take(chunk));
    socket.on("close", () => this.#waiting?.reject(new Error("The server closed the connection.")));
  }

  async send({ method, path, headers = {}, body }: Call): Promise<void> {
    const fields = { Host: this.#host, ...headers, ...(body === undefined ? {} : sizeOf(body)) };
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    await new Promise<void>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body ?? ""}`, "utf8");
    });
  }

  close(): void {
    this.#waiting = null;
    this.#socket.destroy();
  }

  #take(chunk: string): void {
    this.#received += chunk;
    const headEnd = this.#received.indexOf("\r\n\r\n");
    if (headEnd < 0 || !this.#waiting) return;
    const head = this.#received.slice(0, headEnd);
    const length = /^content-length: (\d+)/im.exec(head)?.[1];
    if (!/^HTTP\/1\.1 20[01] /.test(head) || length === undefined) {
      this.#waiting.reject(new Error(`An answer that does not count:\n${this.#received}`));
      return;
    }
    if (this.#received.length < headEnd + 4 + Number(length)) return;
    this.#received = "";
    this.#waiting.resolve();
  }
}

function sizeOf(body: string) {
  return { "Content-Type": "application/json", "Content-Length": String(Buffer.byteLength(body)) };
}
