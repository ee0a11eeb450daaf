import { env } from "cloudflare:workers";

/** One file of Wycheproof, with the group and test shapes that its reader declares. */
export interface WycheproofFile<Group, Test> {
  numberOfTests: number;
  testGroups: readonly (Group & { tests: readonly (Test & WycheproofTest)[] })[];
}

interface WycheproofTest {
  tcId: number;
  comment: string;
  flags: readonly string[];
  result: "valid" | "invalid";
}

// The one place that reads beside the repository. Lazy, so a test file loads only the vectors it asks for.
const files = import.meta.glob<string>("../../shared/vectors/**/*.json", {
  query: "?raw",
  import: "default",
});

/** Tests that need the vectors are `test.skipIf(!hasVectors)`: a checkout of the repository alone has none. */
export const hasVectors = Object.keys(files).length > 0;

if (!hasVectors && "REQUIRE_VECTORS" in env && env.REQUIRE_VECTORS) {
  throw new Error(
    "KEYLINE_REQUIRE_VECTORS is set but ../shared/vectors is empty or missing. Put the vectors there, or unset it to skip.",
  );
}

/**
 * The groups of one file, counted: a file that lost tests, or gained some that no expectation covers, fails here.
 * The caller guarantees the shapes, which are those of the file's published schema.
 */
export async function loadWycheproof<Group, Test>(
  name: string,
  expectedTests: number,
): Promise<WycheproofFile<Group, Test>["testGroups"]> {
  const load = files[`../../shared/vectors/${name}`];
  if (!load) throw new Error(`no ../shared/vectors/${name}`);
  const file: WycheproofFile<Group, Test> = JSON.parse(await load());
  const found = file.testGroups.reduce((sum, group) => sum + group.tests.length, 0);
  if (found !== expectedTests || file.numberOfTests !== expectedTests) {
    throw new Error(`${name} has ${found} tests and says ${file.numberOfTests}, expected ${expectedTests}`);
  }
  return file.testGroups;
}

/** The files below a folder as they are; their count is checked, as `loadWycheproof` checks that of tests. */
export async function loadFolder(
  folder: string,
  expectedFiles: number,
): Promise<readonly { readonly name: string; readonly text: string }[]> {
  const prefix = `../../shared/vectors/${folder}/`;
  const found = Object.entries(files).filter(([path]) => path.startsWith(prefix));
  if (found.length !== expectedFiles)
    throw new Error(`${folder} has ${found.length} files, expected ${expectedFiles}`);
  return await Promise.all(
    found.map(async ([path, load]) => ({ name: path.slice(prefix.length), text: await load() })),
  );
}

export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export function toHex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
