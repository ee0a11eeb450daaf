import { posix } from "node:path";

/** DESIGN section 2 as data. A room may import itself and whatever stands on an earlier line. */
const levels = [
  ["lib"],
  ["platform", "crypto"],
  ["db"],
  ["mail"],
  ["gate"],
  ["http"],
  ["identity", "resources"],
  ["jobs", "console"],
  ["app"],
  ["index"],
] as const;

export type Room = (typeof levels)[number][number] | "cli" | "client" | "test";

export const arrows = levels.map((rooms) => rooms.join(", ")).join(" ← ");

/** The room a file stands in; null for a file of src that is in none. */
export function roomOf(path: string): Room | null {
  const [top, ...rest] = path.split("/");
  if (top === "test") return "test";
  const name = rest.length === 1 ? rest[0]?.replace(/\.tsx?$/, "") : rest[0];
  if (name === "cli" || name === "client") return name;
  const isFile = rest.length === 1;
  const room = levels.flat().find((candidate) => candidate === name);
  return room !== undefined && isFile === (room === "app" || room === "index") ? room : null;
}

export function mayImport(from: Room, to: Room): boolean {
  if (from === "test" || from === to) return true;
  // A command may be one of the API's users.
  if (from === "cli" && to === "client") return true;
  // The client is for others to copy: it knows nothing of the house, and the house nothing of it.
  if (to === "test" || to === "cli" || to === "client" || from === "client") return false;
  if (from === "cli") return to !== "app" && to !== "index";
  return levelOf(from) > levelOf(to);
}

function levelOf(room: Room): number {
  return levels.findIndex((rooms) => rooms.some((candidate) => candidate === room));
}

/** A package that is no vendor's SDK, and where it may be imported. What is absent here lives in src/platform. */
interface Home {
  readonly rooms: readonly Room[];
  /** Where only some files of a room may. */
  readonly files?: RegExp;
}

export const homes: Readonly<Record<string, Home>> = {
  zod: { rooms: levels.flat() },
  jose: { rooms: ["crypto", "gate", "identity"] },
  argon2id: { rooms: ["crypto"] },
  "@simplewebauthn/server": { rooms: ["identity"] },
  otplib: { rooms: ["identity"] },
  uqr: { rooms: ["identity"] },
  hono: { rooms: ["mail", "http", "identity", "console", "app"] },
  "@hono/zod-validator": { rooms: ["http"] },
  "drizzle-orm": {
    rooms: ["db", "mail", "gate", "identity", "resources"],
    files: /^(?!src\/resources\/.*[/-](rules?|schemas?)\.ts$)/,
  },
  "cloudflare:workers": {
    rooms: ["index", "platform", "gate", "jobs", "identity"],
    // Of people's identity the lockouts and the budgets alone are objects.
    files: /^src\/(?!identity\/(?!(?:lockout\/lockout|budgets\/budget)\.ts$))/,
  },
  "@cloudflare/workers-types": { rooms: ["platform", "db", "gate", "jobs", "app", "index"] },
};

/** Where the types of bindings may be named. */
export const bindingRooms: readonly Room[] = [
  "platform",
  "db",
  "gate",
  "jobs",
  "app",
  "index",
  "cli",
  "test",
];

/** The file of the repository that a `./…` or `#…` specifier means. */
export function targetOf(path: string, specifier: string): string {
  if (specifier.startsWith("#test/")) return specifier.slice(1);
  if (specifier.startsWith("#")) return `src/${specifier.slice(1)}`;
  return posix.join(posix.dirname(path), specifier);
}
