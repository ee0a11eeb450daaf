import { spawn } from "node:child_process";

/** Runs the project's wrangler without questions. @returns what it printed; where it fails, that is in the error */
export async function wrangler(args: readonly string[]): Promise<string> {
  const child = spawn("wrangler", args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, CI: "true", WRANGLER_SEND_METRICS: "false" },
    shell: process.platform === "win32",
  });
  const output: Buffer[] = [];
  const printed: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => {
    output.push(chunk);
    printed.push(chunk);
  });
  child.stderr.on("data", (chunk: Buffer) => output.push(chunk));
  const code = await new Promise<number | null>((resolve, reject) =>
    child.on("exit", resolve).on("error", reject),
  );
  if (code !== 0) throw new Error(`wrangler ${args.join(" ")} failed:\n${Buffer.concat(output).toString()}`);
  return Buffer.concat(printed).toString();
}
