import { copyFromFolder } from "./verify-audit/folder.ts";
import { verifyLog } from "./verify-audit/verify.ts";

/** A command that asks no deployment anything: whoever has the files may run it. */
export interface OfflineCommand {
  readonly takes: string;
  readonly does: string;
  run(given: string): Promise<{ said: string; isDone: boolean }>;
}

export const offlineCommands: Readonly<Record<string, OfflineCommand>> = {
  "verify-audit": {
    takes: "<folder>",
    does: "holds a copy of a tenant's audit log, and its rows if they are there, against the signed heads in it",
    async run(folder) {
      const findings = await verifyLog(await copyFromFolder(folder));
      return {
        said: findings.map(({ isFault, text }) => `${isFault ? "FAULT" : "     "}  ${text}`).join("\n"),
        isDone: findings.every(({ isFault }) => !isFault),
      };
    },
  },
};
