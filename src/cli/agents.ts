import {
  type AddOutcome,
  addAgent,
  listAgents,
  type RemoveOutcome,
  removeAgent,
} from "#identity/support/agents.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";

const added: Readonly<Record<AddOutcome, string>> = {
  added: "Added. They begin by `POST /v1/me/support-sessions`, where an owner has let support in.",
  "no-such-role": "There is no such role: reader or helper.",
  "no-such-account": "There is no such account. GET /v1/me tells them its id.",
  "is-a-member": "They are a member of a business. An agent has an account for that alone.",
  "is-one-already": "They are an agent already. Remove them first to give them another role.",
  "too-many": "There are as many agents as there may be: remove one first.",
};
const removed: Readonly<Record<RemoveOutcome, string>> = {
  removed: "Removed, and each of their sessions is over.",
  "no-such-agent": "There is no such agent.",
  "some-go-on": "Removed. A cell did not answer: what runs there is over within five minutes.",
};
const runOf = (name: string, now: number) => ({ job: `cli.${name}`, requestId: newId("run"), now });

/** Who helps businesses for whoever runs this deployment. */
export const agentCommands = {
  "agent add": {
    options: ["user", "role"],
    does: "lets an account (usr_…) that is no member anywhere help businesses: reader, or helper, who does what a grant names",
    async run(env: Env, option: (name: string) => string, now: number) {
      const asked = { userId: option("user"), role: option("role") };
      const { outcome, agentId } = await addAgent(env, asked, runOf("agent-add", now));
      const said = agentId === undefined ? added[outcome] : `${agentId}: ${added[outcome]}`;
      return { said, isDone: outcome === "added" };
    },
  },
  "agent list": {
    options: [],
    does: "tells who may help businesses",
    async run(env: Env) {
      const lines = (await listAgents(env)).map(({ agent, name }) => `${agent.id}  ${agent.role}  ${name}`);
      return { said: lines.join("\n") || "There are none.", isDone: true };
    },
  },
  "agent remove": {
    options: ["agent"],
    does: "ends what an agent (agt_…) may do, and each of their sessions",
    async run(env: Env, option: (name: string) => string, now: number) {
      const outcome = await removeAgent(env, option("agent"), runOf("agent-remove", now));
      return { said: removed[outcome], isDone: outcome === "removed" };
    },
  },
};
