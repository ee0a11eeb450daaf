/** The one place that reads the time (ms since 1970); tests hold it still by vitest's fake timers. */
export function systemNow(): number {
  return Date.now();
}
