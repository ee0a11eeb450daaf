/** A command about what lies in the Cloudflare account that wrangler is signed in to, and in no database. */
interface AccountCommand {
  readonly does: string;
  run(): Promise<{ said: string; isDone: boolean }>;
}

// Each loads wrangler, which takes seconds; whoever mistyped shall not wait for it.
export const accountCommands: Readonly<Record<string, AccountCommand>> = {
  "locks set": {
    does: "locks the audit log's buckets for good, besides the rules that they have",
    async run() {
      const { setLocks } = await import("./locks.ts");
      return await setLocks();
    },
  },
  "locks check": {
    does: "tells which of these buckets is not locked, or not as long",
    async run() {
      const { checkLocks } = await import("./locks.ts");
      return await checkLocks();
    },
  },
};
