import { readdir, readFile } from "node:fs/promises";

// What Linux tells of a process under /proc; a blocking `ps` would let requests in flight drain first.

/** The processes that this one started and that still run. */
export async function childrenOf(pid: number): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`);
  const children = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, "utf8")),
  );
  return children.flatMap((text) => text.split(" ").filter(Boolean).map(Number));
}

/** Memory now and at its highest, in MB. */
export async function memoryOf(pid: number): Promise<{ rss: number; peakRss: number }> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const megabytes = (name: string) =>
    Math.round(Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1024);
  return { rss: megabytes("VmRSS"), peakRss: megabytes("VmHWM") };
}

/** CPU time spent so far by all threads of the process, in ms. */
export async function cpuMsOf(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const spentNs = await Promise.all(
    threads.map(async (thread) => {
      const [onCpu] = (await readFile(`/proc/${pid}/task/${thread}/schedstat`, "utf8")).split(" ");
      return Number(onCpu);
    }),
  );
  return spentNs.reduce((sum, ns) => sum + ns, 0) / 1e6;
}
