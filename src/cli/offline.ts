import { copyFromDeployment, isTenantUrl } from "./verify-audit/deployment.ts";
import { copyFromFolder } from "./verify-audit/folder.ts";
import { saveCopy } from "./verify-audit/save.ts";
import { told } from "./verify-audit/told.ts";
import { type LogCopy, verifyLog, withEarlier } from "./verify-audit/verify.ts";

/** A command that needs no secret of the deployment: whoever has the files, or a key of the tenant, may run it. */
export interface OfflineCommand {
  readonly takes: string;
  readonly does: string;
  /** How many words may follow it, at least and at most. */
  readonly words: readonly [least: number, most: number];
  run(given: readonly string[]): Promise<{ said: string; isDone: boolean }>;
}

export const offlineCommands: Readonly<Record<string, OfflineCommand>> = {
  "verify-audit": {
    takes: "<folder, or https://…/v1/tenants/<slug>> [folder of an earlier copy]",
    does: "holds a tenant's audit log, and its rows, against the signed heads in it and in a copy that you kept",
    words: [1, 2],
    async run([given = "", earlier]) {
      const copy = await copyOf(given);
      const held = earlier === undefined ? copy : withEarlier(copy, await copyFromFolder(earlier));
      return told(await verifyLog(held));
    },
  },
  "export-audit": {
    takes: "https://…/v1/tenants/<slug> <folder>",
    does: "copies a tenant's log and rows into a folder, to be verified there and kept",
    words: [2, 2],
    async run([url = "", folder = ""]) {
      if (!isTenantUrl(url)) throw new Error("Give the tenant's URL: https://…/v1/tenants/<slug>");
      const copy = await copyOf(url);
      await saveCopy(copy, folder);
      return {
        said: `${copy.leaves.length} leaves, ${copy.rows?.length ?? 0} rows and ${copy.heads.length} heads are in ${folder}.`,
        isDone: true,
      };
    },
  },
};

async function copyOf(given: string): Promise<LogCopy> {
  if (!isTenantUrl(given)) return await copyFromFolder(given);
  const { KEYLINE_API_KEY } = process.env;
  if (!KEYLINE_API_KEY)
    throw new Error("Set KEYLINE_API_KEY to a key of the tenant that may read its audit.");
  return await copyFromDeployment(given, KEYLINE_API_KEY);
}
