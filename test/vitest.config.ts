import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { issuerServer } from "./issuer-server.ts";
import { matrixIssuer } from "./matrix-issuer.ts";

const root = new URL("..", import.meta.url).pathname;

export default defineConfig(async () => ({
  root,
  plugins: [
    cloudflareTest({
      wrangler: { configPath: "./wrangler.toml" },
      miniflare: {
        outboundService: issuerServer,
        bindings: {
          OUTSIDE_ISSUERS: JSON.stringify([matrixIssuer.entry]),
          OUTSIDE_ISSUER_SECRETS: `${matrixIssuer.entry.name}:${matrixIssuer.secret}`,
          KEYLINE_KEKS: "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
          // Set by CI: then a missing ../shared/vectors fails the tests that need it instead of skipping them.
          REQUIRE_VECTORS: process.env.KEYLINE_REQUIRE_VECTORS ?? "",
          TEST_MIGRATIONS: {
            directory: await readD1Migrations("migrations/directory"),
            cell: await readD1Migrations("migrations/cell"),
          },
        },
      },
    }),
  ],
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/setup.ts"],
    silent: "passed-only" as const,
  },
}));
