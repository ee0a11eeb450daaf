import type { Deployment } from "./deployment.ts";

const longestMs = 60_000;
const stepMs = 1_000;

/** How many calls the log holds, once its consumer has caught up with so many, or has had its time. */
export async function callsLogged(deployment: Deployment, sent: number): Promise<number> {
  const { LOG_US1, LOG_EU1 } = await deployment.env();
  const logs = [LOG_US1, LOG_EU1] as D1Database[];
  let logged = 0;
  for (let waitedMs = 0; waitedMs < longestMs && logged < sent; waitedMs += stepMs) {
    await new Promise((resolve) => setTimeout(resolve, stepMs));
    const sums = await Promise.all(
      logs.map((log) => log.prepare("select sum(logged) as logged from call_hours").first<number>("logged")),
    );
    logged = sums.reduce<number>((sum, each) => sum + (each ?? 0), 0);
  }
  return logged;
}
