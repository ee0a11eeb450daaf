import type { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { Env } from "#platform/env.ts";

type Migrations = Parameters<typeof applyD1Migrations>[1];

export interface TestEnv extends Env {
  /** Where a listener on this machine counts who reaches it (test/outbound.ts). */
  readonly LOOPBACK_PORT: number;
  readonly TEST_MIGRATIONS: { readonly directory: Migrations; readonly cell: Migrations };
}

declare global {
  namespace Cloudflare {
    interface Env {
      readonly DIRECTORY: D1Database;
      readonly CELL_US1: D1Database;
      readonly CELL_EU1: D1Database;
    }
  }
}

/** The bindings of wrangler.toml with what test/vitest.config.ts adds. */
export function testEnv(): TestEnv {
  return env as unknown as TestEnv;
}
