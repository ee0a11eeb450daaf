import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { bundle } from "./deployment.ts";

export async function bundleSize(): Promise<{ kilobytes: number; gzipKilobytes: number }> {
  const script = Buffer.from(await bundle());
  return {
    kilobytes: Math.ceil(script.length / 1000),
    gzipKilobytes: Math.ceil(gzipSync(script).length / 1000),
  };
}

/** What wrangler's own profile of the start says, in ms; null where this wrangler says it otherwise. */
export async function startUp(): Promise<number | null> {
  const folder = await mkdtemp(join(tmpdir(), "keyline-startup-"));
  try {
    const { stdout } = spawnSync(
      "wrangler",
      ["check", "startup", "--outfile", join(folder, "startup.cpuprofile")],
      {
        encoding: "utf8",
        env: { ...process.env, CI: "true", WRANGLER_LOG: "log", WRANGLER_SEND_METRICS: "false" },
      },
    );
    const active = /Active: ([\d.]+) ms/.exec(stdout)?.[1];
    return active === undefined ? null : Number(active);
  } finally {
    await rm(folder, { recursive: true });
  }
}
