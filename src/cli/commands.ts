import { outsideIssuers } from "#gate/outside-issuers.ts";
import { type LinkMemberOutcome, linkMember } from "#identity/outside/link-member.ts";
import { type LinkOutcome, linkOrganization, unlinkOrganization } from "#identity/outside/organizations.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { accountCommands } from "./account.ts";
import { agentCommands } from "./agents.ts";
import { resumeAudits, verifyAudit } from "./audit.ts";
import { clearIpAllowList } from "./ip-allow-list.ts";
import { limitKey } from "./key-limit.ts";
import { keysStatus, rotateKeys } from "./keys.ts";
import { offlineCommands } from "./offline.ts";
import { checkSchemas } from "./schema.ts";
import { exportTombstones, replayFile } from "./tombstones.ts";

export type Options = Readonly<Record<string, string | undefined>>;

interface Command {
  readonly options: readonly string[];
  /** Those that may be left out; then they are empty. */
  readonly optional?: readonly string[];
  readonly does: string;
  /** It opens nothing that is sealed, so that `--remote` takes no KEYLINE_KEKS. */
  readonly isKeyless?: true;
  /** @returns what came of it, and whether that is what was asked for */
  run(
    env: Env,
    option: (name: string) => string,
    now: number,
    isRemote: boolean,
  ): Promise<{ said: string; isDone: boolean }>;
}

const linkOutcomes: Readonly<Record<LinkOutcome, string>> = {
  linked:
    "Linked. Now have Clerk send the organization's membership events again (src/identity/outside/README.md).",
  "no-such-tenant": "No active tenant has this slug.",
  taken: "Another tenant has this organization; unlink it there first.",
  "tenant-has-another": "This tenant has another organization of this issuer; unlink that first.",
  "being-unlinked": "An earlier unlinking did not end; run unlink-organization again.",
};
const memberOutcomes: Readonly<Record<LinkMemberOutcome, string>> = {
  linked: "Linked: whoever signs in as this subject is that member, as far as their role there goes too.",
  "not-linked": "The organization is linked to no tenant.",
  "no-such-member": "The organization's tenant has no such member.",
  "known-already": "This subject is another member of the tenant already.",
  "has-left": "This subject has left the organization, or was deleted.",
};

/** What an operator may do to a deployment; each is audited as the system's act under the command's name. */
export const commands: Readonly<Record<string, Command>> = {
  "link-organization": {
    options: ["issuer", "organization", "tenant"],
    does: "lets an outside issuer's organization be a tenant; you vouch that both are one business",
    async run(env, option, now) {
      const outcome = await linkOrganization(
        env,
        organizationOf(env, option),
        option("tenant"),
        runOf("link-organization", now),
      );
      return { said: linkOutcomes[outcome], isDone: outcome === "linked" };
    },
  },
  "unlink-organization": {
    options: ["issuer", "organization"],
    does: "takes no token of the organization any more, and suspends the members it made",
    async run(env, option, now) {
      const run = runOf("unlink-organization", now);
      for (;;) {
        const outcome = await unlinkOrganization(env, organizationOf(env, option), run);
        if (outcome === "more") continue;
        const said = outcome === "unlinked" ? "Unlinked." : "The organization is linked to no tenant.";
        return { said, isDone: outcome === "unlinked" };
      }
    },
  },
  "link-member": {
    options: ["issuer", "organization", "subject", "member"],
    does: "lets a person of a linked organization be a member who is there already, such as the owner",
    async run(env, option, now) {
      const person = { ...organizationOf(env, option), subject: option("subject") };
      const outcome = await linkMember(env, person, option("member"), runOf("link-member", now));
      return { said: memberOutcomes[outcome], isDone: outcome === "linked" };
    },
  },
  limit: {
    options: ["tenant", "key", "per-minute", "burst", "until", "reason"],
    does: "holds an API key of a tenant (slug) to this rate instead of its plan's, above it too, for 90 days at most",
    async run(env, option, now) {
      const order = {
        tenant: option("tenant"),
        key: option("key"),
        perMinute: option("per-minute"),
        burst: option("burst"),
        until: option("until"),
        reason: option("reason"),
      };
      return await limitKey(env, order, runOf("limit", now));
    },
  },
  "clear-ip-allow-list": {
    options: ["tenant"],
    does: "lets a tenant's (slug) people and programs in from anywhere again, where none of them is let in to do so",
    async run(env, option, now) {
      return await clearIpAllowList(env, option("tenant"), runOf("clear-ip-allow-list", now));
    },
  },
  ...agentCommands,
  "keys rotate": {
    options: [],
    does: "wraps all keys by the newest KEK, gives each tenant a new key, and what is old enough of signing keys and peppers a successor; run it again where it was cut short",
    async run(env, _option, now) {
      await rotateKeys(env, runOf("keys-rotate", now));
      return await keysStatus(env, now);
    },
  },
  "keys status": {
    options: [],
    does: "tells what lies under older keys, how far rotations are, and which keys may be removed",
    async run(env, _option, now) {
      return await keysStatus(env, now);
    },
  },
  "tombstones export": {
    options: ["file"],
    does: "writes down who was destroyed, without who they were; keep it with your copies of the databases",
    async run(env, option) {
      const count = await exportTombstones(env, option("file"));
      return { said: `${count} tombstones are in ${option("file")}.`, isDone: true };
    },
  },
  "tombstones replay": {
    options: ["file"],
    does: "destroys again whom an older copy of a database brought back; run it before a restored deployment serves",
    async run(env, option, now) {
      return await replayFile(env, option("file"), runOf("tombstones-replay", now));
    },
  },
  "audit verify": {
    options: ["owner"],
    does: "holds the audit of a tenant (slug) or of the `platform`, as its database has it, against the log in its bucket",
    async run(env, option) {
      return await verifyAudit(env, option("owner"));
    },
  },
  "audit resume": {
    options: ["store"],
    does: "after a restore, before anything else: lets the logs of `directory` or of a cell go on past the rows that the copy lacks",
    async run(env, option) {
      const count = await resumeAudits(env, option("store"));
      return {
        said:
          count === 0
            ? `There is no ${option("store")} here, or nobody's audit in it.`
            : `${count} logs may go on; cron has them do so. Wait until the doctor names none as behind.`,
        isDone: count > 0,
      };
    },
  },
  doctor: {
    options: [],
    optional: ["url"],
    does: "grades the deployment, red or green, with what to do; --url https://… has its address asked as well",
    isKeyless: true,
    async run(env, option, now, isRemote) {
      const { examine } = await import("./doctor/doctor.ts");
      return await examine(env, { isRemote, url: option("url"), now });
    },
  },
  "schema check": {
    options: [],
    does: "tells which trigger, table or index of which database is not as the migrations left it",
    isKeyless: true,
    async run(env) {
      return await checkSchemas(env);
    },
  },
};

function organizationOf(env: Env, option: (name: string) => string) {
  const issuers = outsideIssuers(env);
  const issuer = issuers.find(({ name }) => name === option("issuer"));
  if (!issuer) {
    const names = issuers.map(({ name }) => name).join(", ") || "none";
    throw new Error(`OUTSIDE_ISSUERS names no issuer ${option("issuer")}; it has: ${names}.`);
  }
  return { issuer: issuer.issuer, organization: option("organization") };
}

function runOf(name: string, now: number) {
  return { job: `cli.${name}`, requestId: newId("run"), now };
}

/** How the commands are typed. */
export function usage(): string {
  const lines = Object.entries(commands).map(
    ([name, { options, optional = [], does }]) =>
      `  ${[name, ...options.map((each) => `--${each} …`), ...optional.map((each) => `[--${each} …]`)].join(" ")}\n      ${does}`,
  );
  const ofAccount = Object.entries(accountCommands).map(([name, { does }]) => `  ${name}\n      ${does}`);
  const offline = Object.entries(offlineCommands).map(
    ([name, { takes, does }]) => `  ${name} ${takes}\n      ${does}`,
  );
  return [
    "npm run keyline -- <command>",
    ...lines,
    ...ofAccount,
    ...offline,
    "  --remote  on the deployed databases, with KEYLINE_KEKS in the environment where keys are needed; else on the local ones",
  ].join("\n");
}
