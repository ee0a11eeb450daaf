import type { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { Env } from "#platform/env.ts";

type Migrations = Parameters<typeof applyD1Migrations>[1];

export interface TestEnv extends Env {
  /** Where a listener on this machine counts who reaches it (test/outbound.ts). */
  readonly LOOPBACK_PORT: number;
  readonly TEST_MIGRATIONS: Readonly<Record<"directory" | "cell" | "log", Migrations>>;
}

declare global {
  namespace Cloudflare {
    interface Env {
      readonly DIRECTORY: D1Database;
      readonly CELL_US1: D1Database;
      readonly CELL_EU1: D1Database;
      readonly LOG_US1: D1Database;
      readonly LOG_EU1: D1Database;
    }
  }
}

/**
 * The bindings of wrangler.toml with what test/vitest.config.ts adds. Calls go nowhere but where a test listens
 * (test/call-log.ts): consumers that run on their own time would be in the counts of every other test.
 */
export function testEnv(): TestEnv {
  return withoutCalls;
}

/** The same with its queues of calls. */
export function wholeEnv(): TestEnv {
  return env as unknown as TestEnv;
}

const nowhere = new Map<PropertyKey, object>();

const withoutCalls = new Proxy(wholeEnv(), {
  get(target, name) {
    if (!/^CALLS_/.test(String(name))) return Reflect.get(target, name);
    const queue = nowhere.get(name) ?? { sendBatch: async () => undefined };
    nowhere.set(name, queue);
    return queue;
  },
});
