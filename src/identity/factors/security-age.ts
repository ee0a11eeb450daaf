import { minuteMs, secondMs } from "#lib/time.ts";

/** How long ago, in seconds, somebody may have proved themselves who changes how they do. */
export const securityAge = (15 * minuteMs) / secondMs;
