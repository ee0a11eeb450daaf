import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll } from "vitest";
import { testEnv } from "#test/env.ts";

beforeAll(async () => {
  const { directory, cell } = testEnv().TEST_MIGRATIONS;
  await applyD1Migrations(env.DIRECTORY, directory);
  await applyD1Migrations(env.CELL_US1, cell);
  await applyD1Migrations(env.CELL_EU1, cell);
});
