import { emit, update } from "#db/changes.ts";
import { many } from "#db/queries.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import type { Env } from "#platform/env.ts";
import { securityPolicies } from "#resources/security-policy/table.ts";
import { noSuchSlug, sessionOfSlug } from "./tenant.ts";

/** For a business all of whose people are somewhere else by now, so that none of them is let in to change it. */
export async function clearIpAllowList(
  env: Env,
  slug: string,
  run: SystemRun,
): Promise<{ said: string; isDone: boolean }> {
  const session = await sessionOfSlug(env, slug);
  if (!session) return { said: noSuchSlug, isDone: false };
  const { found } = await session.read({ found: many(securityPolicies, { limit: 1 }) });
  const [policy] = found;
  if (!policy || policy.ipAllowList === "[]")
    return { said: "The tenant is let in from anywhere.", isDone: true };
  const told = { tenantId: session.tenantId, networks: 0 };
  const { kind } = await commitAsSystem(session, run, [
    update(securityPolicies, policy, { ipAllowList: "[]" }, run.now),
    emit("security_policy.ip_allow_list_changed", told, { table: securityPolicies, row: {} }),
  ]);
  return kind === "committed"
    ? { said: "The tenant is let in from anywhere again.", isDone: true }
    : { said: "Somebody else changed the list meanwhile; look again.", isDone: false };
}
