import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { Webhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { expect, onTestFinished, vi } from "vitest";
import { consume } from "#jobs/consume.ts";
import { sweepWebhooks } from "#jobs/deliver-webhooks.ts";
import { sweepEvents } from "#jobs/dispatch-events.ts";
import { minuteMs, secondMs } from "#lib/time.ts";
import { type Cell, cellOf } from "#platform/cells.ts";
import { errorFields, log } from "#platform/log.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { resolved } from "#test/resolver.ts";
import { envWith, proxied, rowsOf, type Tap, tapped } from "#test/world.ts";

export interface Delivered {
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
  readonly atMs: number;
}

/** How a receiver takes a request: an answer, at once or after a while; `never` hangs until the sender gives up. */
export type Receiver = (
  request: Delivered,
) => Response | "never" | "unreachable" | { readonly afterMs: number; readonly answer: Response };

interface Message {
  readonly queue: string;
  readonly body: unknown;
  readonly atMs: number;
  readonly attempts: number;
}

// Taken before any simulation puts its own in this place.
const realTimeout = globalThis.setTimeout;

/**
 * The cell us1 with its queues and cron in simulated time: consumers run as in production, `consumersAtOnce` at a time,
 * and the clock moves only when all of them wait for it. The database is real; receivers are the test's.
 */
export class Simulation {
  readonly env: TestEnv;
  readonly delivered: Delivered[] = [];
  /** Requests that went anywhere but to a receiver or the resolver. */
  readonly strayed: string[] = [];
  readonly receivers = new Map<string, Receiver>();
  /** By host, each that the signature must hold under. npm's two verifiers try every delivery; none may be refused. */
  readonly secrets = new Map<string, readonly string[]>();
  /** By host, how many requests it had to answer at once. */
  readonly mostAtOnce = new Map<string, number>();
  /** How many requests were under way at once, to whomever. */
  mostUnderWay = 0;
  /** Stands between the consumers and the database; lets everything through unless a test says otherwise. */
  tap: Tap = (_texts, run) => run();
  readonly #refused: string[] = [];
  readonly #atOnce = new Map<string, number>();
  readonly #consumersAtOnce: number;
  #messages: Message[] = [];
  #wakes: number[] = [];
  #working = 0;
  #underWay = 0;
  #outstanding = 0;
  #activity = 0;
  #cronMs: number;

  /** Begins with a cell in which nothing is under way: what earlier tests of the file left is put to rest. */
  static async begin(given: { consumersAtOnce?: number } = {}): Promise<Simulation> {
    const database = testEnv().CELL_US1 as D1Database;
    await database.batch(
      [
        "update webhook_endpoints set state = 'disabled'",
        "update webhook_deliveries set state = 'failed' where state = 'pending'",
        "update webhook_queues set next_due_at = null, leased_until = null",
        "update events set dispatched_at = created_at where dispatched_at is null",
      ].map((text) => database.prepare(text)),
    );
    const simulation = new Simulation(given);
    // A wake-up that was sent before on the real queue is on its way no longer.
    await vi.advanceTimersByTimeAsync(secondMs);
    return simulation;
  }

  private constructor({ consumersAtOnce = 8 }: { consumersAtOnce?: number }) {
    this.#consumersAtOnce = consumersAtOnce;
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
    // At a full minute, so that cron comes as long after it in every run.
    vi.setSystemTime(minuteAfter(Date.now()));
    vi.stubGlobal("fetch", (input: RequestInfo | URL, init?: RequestInit) => this.#fetch(input, init));
    onTestFinished(() => {
      vi.unstubAllGlobals();
      vi.useRealTimers();
      expect(this.#refused, "deliveries that a verifier refused").toEqual([]);
      expect(this.strayed, "requests to where nobody listens").toEqual([]);
    });
    this.#cronMs = minuteAfter(Date.now());
    const { CELL_US1 } = testEnv();
    this.env = envWith({
      CELL_US1: tapped(CELL_US1 as D1Database, (texts, run) => this.#counted(() => this.tap(texts, run))),
      AUDIT_EVENTS_US1: this.#queue("keyline-audit-events-us1"),
      WEBHOOKS_US1: this.#queue("keyline-webhooks-us1"),
    });
  }

  /** Lets everything happen that would within this time. */
  async run(forMs: number): Promise<void> {
    const untilMs = Date.now() + forMs;
    for (;;) {
      this.#start();
      await this.#quiet();
      if (this.#due().length > 0 && this.#working < this.#consumersAtOnce) continue;
      const cronMs = await this.#nextCronMs();
      const nextMs = Math.min(cronMs, ...this.#wakes, ...this.#messages.map(({ atMs }) => atMs));
      const waits = this.#working >= this.#consumersAtOnce ? Math.min(...this.#wakes) : nextMs;
      if (Math.max(waits, Date.now()) > untilMs) break;
      await vi.advanceTimersByTimeAsync(Math.max(0, waits - Date.now()));
      this.#wakes = this.#wakes.filter((atMs) => atMs > Date.now());
      if (cronMs <= Date.now()) await this.#cron();
    }
    await vi.advanceTimersByTimeAsync(Math.max(0, untilMs - Date.now()));
    await this.#quiet();
  }

  /** Until nothing is left to do but cron, or the time is over. */
  async settle(atMostMs: number, done: () => Promise<boolean>): Promise<void> {
    for (const endMs = Date.now() + atMostMs; Date.now() < endMs && !(await done()); )
      await this.run(10 * minuteMs);
  }

  async #cron(): Promise<void> {
    this.#cronMs = minuteAfter(Date.now());
    for (const sweep of [sweepEvents, sweepWebhooks])
      await sweep(this.#cell(), Date.now()).catch((error) =>
        log("error", "a sweeper failed", errorFields(error)),
      );
  }

  /** Cron comes every minute; those times are left out at which its sweepers would find nothing. */
  async #nextCronMs(): Promise<number> {
    const [found] = await rowsOf<{ due: string | null; pending: number }>(
      testEnv().CELL_US1 as D1Database,
      "select (select min(next_due_at) from webhook_queues) as due, exists (select 1 from events where dispatched_at is null) as pending",
    );
    if (found?.pending === 1) return this.#cronMs;
    if (!found?.due) return Number.POSITIVE_INFINITY;
    return Math.max(this.#cronMs, minuteAfter(Date.parse(found.due) - 1));
  }

  #cell(): Cell {
    const cell = cellOf(this.env, "us1");
    if (!cell) throw new Error("There is no cell us1.");
    return cell;
  }

  #due(): Message[] {
    return this.#messages.filter(({ atMs }) => atMs <= Date.now());
  }

  #start(): void {
    for (const message of this.#due()) {
      if (this.#working >= this.#consumersAtOnce) return;
      this.#messages = this.#messages.filter((other) => other !== message);
      this.#working += 1;
      void this.#consume(message).finally(() => {
        this.#working -= 1;
        this.#activity += 1;
      });
    }
  }

  async #consume({ queue, body, attempts }: Message): Promise<void> {
    const batch = createMessageBatch(queue, [{ id: "m", timestamp: new Date(Date.now()), attempts, body }]);
    const context = createExecutionContext();
    await consume(this.env, batch, Date.now());
    const { retryMessages } = await getQueueResult(batch, context);
    if (retryMessages.length > 0 && attempts < 3)
      this.#messages.push({ queue, body, atMs: Date.now() + secondMs, attempts: attempts + 1 });
  }

  #queue(queue: string): Queue {
    const send = async (body: unknown, { delaySeconds = 0 } = {}) => {
      this.#messages.push({ queue, body, atMs: Date.now() + delaySeconds * secondMs, attempts: 1 });
    };
    const sendBatch = async (messages: Iterable<MessageSendRequest>) => {
      for (const { body, delaySeconds = 0 } of messages) await send(body, { delaySeconds });
    };
    return proxied(testEnv().AUDIT_EVENTS_US1 as Queue, { send, sendBatch });
  }

  async #fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    this.#activity += 1;
    const request = new Request(input, init);
    const url = new URL(request.url);
    if (url.origin === new URL(this.env.DOH_URL).origin) {
      const { status, body } = resolved(
        url.searchParams.get("name") ?? "",
        url.searchParams.get("type") ?? "",
        1,
      );
      return Response.json(body, { status });
    }
    const receiver = this.receivers.get(url.host);
    if (!receiver) {
      this.strayed.push(request.url);
      throw new TypeError("Nobody listens there.");
    }
    this.#enter(url.host, 1);
    try {
      const body = await request.text();
      const delivered = { url: request.url, headers: request.headers, body, atMs: Date.now() };
      this.delivered.push(delivered);
      this.#verify(url.host, delivered);
      return await this.#answered(receiver(delivered), init?.signal ?? null);
    } finally {
      this.#enter(url.host, -1);
      this.#activity += 1;
    }
  }

  #enter(host: string, by: 1 | -1): void {
    this.#underWay += by;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.#underWay);
    const atOnce = (this.#atOnce.get(host) ?? 0) + by;
    this.#atOnce.set(host, atOnce);
    this.mostAtOnce.set(host, Math.max(this.mostAtOnce.get(host) ?? 0, atOnce));
  }

  #verify(host: string, { headers, body }: Delivered): void {
    const secrets = this.secrets.get(host) ?? [];
    if (secrets.length === 0) this.#refused.push(`${host} has no secret`);
    for (const secret of secrets) {
      for (const verifier of [new Webhook(secret), new SvixWebhook(secret)]) {
        try {
          verifier.verify(body, Object.fromEntries(headers));
        } catch (error) {
          this.#refused.push(`${host}: ${String(error)}`);
        }
      }
    }
  }

  async #answered(taken: ReturnType<Receiver>, signal: AbortSignal | null): Promise<Response> {
    if (taken instanceof Response) return taken;
    if (taken === "unreachable") throw new TypeError("Network connection lost.");
    const [afterMs, answer] = taken === "never" ? [null, null] : [taken.afterMs, taken.answer];
    return await new Promise<Response>((resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason));
      this.#wakes.push(Date.now() + (afterMs ?? 10 * secondMs));
      if (answer) setTimeout(() => resolve(answer), afterMs ?? 0);
    });
  }

  async #counted<T>(run: () => Promise<T>): Promise<T> {
    this.#outstanding += 1;
    this.#activity += 1;
    try {
      return await run();
    } finally {
      this.#outstanding -= 1;
      this.#activity += 1;
    }
  }

  /** Until nobody works but waits for the clock: the database has answered all, and a few turns bring nothing new. */
  async #quiet(): Promise<void> {
    for (let still = 0, seen = -1; still < 3; ) {
      if (this.#working === 0 && this.#outstanding === 0) return;
      await new Promise<void>((resolve) => realTimeout(resolve, 0));
      still = this.#outstanding === 0 && this.#activity === seen ? still + 1 : 0;
      seen = this.#activity;
    }
  }
}

function minuteAfter(ms: number): number {
  return (Math.floor(ms / minuteMs) + 1) * minuteMs;
}
