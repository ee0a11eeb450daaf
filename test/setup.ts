import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterAll, beforeAll, expect, vi } from "vitest";
import { knownTexts } from "#db/firewall.ts";
import { testEnv } from "#test/env.ts";
import { planProblems } from "#test/query-plans.ts";

// Files that try every operation make hundreds of calls at once, on machines that may be busy with other files.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

beforeAll(async () => {
  const { directory, cell, log } = testEnv().TEST_MIGRATIONS;
  await applyD1Migrations(env.DIRECTORY, directory);
  await applyD1Migrations(env.CELL_US1, cell);
  await applyD1Migrations(env.CELL_EU1, cell);
  await applyD1Migrations(env.LOG_US1, log);
  await applyD1Migrations(env.LOG_EU1, log);
});

// DESIGN's fourth wall: of whatever this file's tests made the drivers run.
afterAll(async () => {
  const problems = await planProblems(knownTexts());
  expect(
    problems,
    "These statements ran; give each table tenant_id = ? and an index that starts so.",
  ).toEqual([]);
});
