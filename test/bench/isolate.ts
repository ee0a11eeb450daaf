import { z } from "zod";

const Targets = z.array(z.object({ id: z.string(), webSocketDebuggerUrl: z.string() }));
const HeapUsage = z.object({
  result: z.object({
    usedSize: z.number(),
    embedderHeapUsedSize: z.number(),
    backingStorageSize: z.number(),
  }),
});

/** One Worker's isolate, as V8's own inspector sees it: apart from the simulators that share its process. */
export class Isolate {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: unknown) => void>();
  #asked = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const answer: { id?: number } = JSON.parse(String(data));
      const { id = 0 } = answer;
      this.#waiting.get(id)?.(answer);
      this.#waiting.delete(id);
    });
  }

  static async named(name: string, inspector: URL): Promise<Isolate> {
    const targets = Targets.parse(await (await fetch(`http://${inspector.host}/json`)).json());
    const target = targets.find(({ id }) => id === `core:user:${name}`);
    if (!target) throw new Error(`The inspector lists no Worker ${name}.`);
    const socket = new WebSocket(target.webSocketDebuggerUrl);
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", () => reject(new Error("The inspector did not answer.")));
    });
    return new Isolate(socket);
  }

  /** MB of objects and of the buffers they hold, garbage included. */
  async memory(): Promise<number> {
    const { result } = HeapUsage.parse(await this.#ask("Runtime.getHeapUsage"));
    return (result.usedSize + result.embedderHeapUsedSize + result.backingStorageSize) / 1e6;
  }

  /** The same without garbage: the least of several looks, as buffers are freed some time after a collection. */
  async kept(): Promise<number> {
    let least = Number.POSITIVE_INFINITY;
    for (let looks = 0; looks < 5; looks += 1) {
      // Not awaited: workerd keeps this answer back until it has something else to say.
      void this.#ask("HeapProfiler.collectGarbage");
      least = Math.min(least, await this.memory());
    }
    return least;
  }

  close(): void {
    this.#socket.close();
  }

  #ask(method: string): Promise<unknown> {
    this.#asked += 1;
    const id = this.#asked;
    this.#socket.send(JSON.stringify({ id, method }));
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }
}
