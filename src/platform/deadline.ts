/** The promise, or an error once so many ms are over: for what takes no signal and goes on unheard. */
export async function inTime<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  return await withDeadline(ms, async (signal) => {
    const late = Promise.withResolvers<never>();
    signal.addEventListener("abort", () => late.reject(new Error(`${what} did not answer in time.`)));
    return await Promise.race([promise, late.promise]);
  });
}

/** Runs with a signal that aborts after so many ms. Unlike AbortSignal.timeout it leaves no timer behind. */
export async function withDeadline<T>(ms: number, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), ms);
  try {
    return await run(abort.signal);
  } finally {
    clearTimeout(timer);
  }
}
