import { spawnSync } from "node:child_process";
import { globSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

/** The platform allows 3 MB on a free account; ours is lower, as start-up time grows with it. */
const MAX_GZIP_BYTES = 1_000_000;

build();
const bytes = globSync("dist/**/*.{js,wasm,html,css,txt,bin}").reduce(
  (sum, path) => sum + gzipSync(readFileSync(path)).length,
  0,
);
console.log(`The bundle is ${Math.ceil(bytes / 1000)} kB gzipped, of ${MAX_GZIP_BYTES / 1000} kB allowed.`);
if (bytes === 0)
  fail("wrangler wrote no bundle to dist/: run `npx wrangler deploy --dry-run --outdir dist` to see why");
if (bytes > MAX_GZIP_BYTES)
  fail("Too large: see what grew with `npx esbuild --analyze`, or load the data from R2 or an asset");

/** Writes to dist/ what `wrangler deploy` would upload. Needs no account and asks no network. */
function build(): void {
  rmSync("dist", { recursive: true, force: true });
  const wrangler = join(
    dirname(fileURLToPath(import.meta.resolve("wrangler/package.json"))),
    "bin/wrangler.js",
  );
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [wrangler, "deploy", "--dry-run", "--outdir", "dist"],
    {
      encoding: "utf8",
      env: {
        ...process.env,
        WRANGLER_SEND_METRICS: "false",
        WRANGLER_SEND_ERROR_REPORTS: "false",
        // The banner is where wrangler asks the registry for updates.
        WRANGLER_HIDE_BANNER: "true",
      },
    },
  );
  if (status !== 0) fail(`${stdout}${stderr}`);
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
