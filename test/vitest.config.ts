import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { matrixIssuer } from "./matrix-issuer.ts";
import { loopbackListener, outside } from "./outbound.ts";
import { postmarkBindings } from "./postmark-server.ts";
import { signInProviders, signInSecrets } from "./sign-in-server.ts";
import { twilioBindings } from "./twilio-server.ts";

const root = new URL("..", import.meta.url).pathname;

export default defineConfig(async () => ({
  root,
  plugins: [
    cloudflareTest({
      main: "./test/worker.ts",
      wrangler: { configPath: "./wrangler.toml" },
      miniflare: {
        outboundService: outside,
        bindings: {
          LOOPBACK_PORT: await loopbackListener(),
          OUTSIDE_ISSUERS: JSON.stringify([matrixIssuer.entry]),
          OUTSIDE_ISSUER_SECRETS: `${matrixIssuer.entry.name}:${matrixIssuer.secret}`,
          KEYLINE_KEKS: "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
          SIGN_IN_PROVIDERS: JSON.stringify(signInProviders),
          SIGN_IN_SECRETS: JSON.stringify(signInSecrets),
          MAIL: "mailbox",
          SMS: "mailbox",
          ...twilioBindings,
          ...postmarkBindings,
          // A test client waits for all that a call began.
          CALL_LOG_WAIT_MS: "0",
          WAKE_UP_WAIT_MS: "0",
          // Set by CI: then a missing ../shared/vectors fails the tests that need it instead of skipping them.
          REQUIRE_VECTORS: process.env.KEYLINE_REQUIRE_VECTORS ?? "",
          TEST_MIGRATIONS: {
            directory: await readD1Migrations("migrations/directory"),
            cell: await readD1Migrations("migrations/cell"),
            log: await readD1Migrations("migrations/log"),
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
