import { type Change, insert } from "#db/changes.ts";
import { noCapabilities } from "#gate/capabilities.ts";
import { supportGrants, supportSessions, visitingAgents } from "#gate/support-tables.ts";
import { hourMs, timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";

/** That somebody of support was here, by a grant of this owner's; whatever they typed is a canary. */
export function supportVisit(ownerId: string, canary: (name: string) => string, now: number): Change[] {
  const [grantId, agentId] = [newId("sgr"), newId("agt")];
  const expiresAt = timestamp(now + hourMs);
  const grant = {
    ...{ id: grantId, ownerId, reason: canary("Grantreason"), expiresAt },
    ...{ capabilities: noCapabilities, showsPersonalData: 0 },
  };
  const visit = {
    ...{ id: newId("sps"), grantId, agentId, agentRole: "reader", memberId: ownerId, expiresAt },
    ...{ reason: canary("Visitreason"), ticket: "HELP-4711" },
  };
  return [
    insert(supportGrants, grant, now),
    insert(visitingAgents, { id: agentId, name: canary("Agent") }, now),
    insert(supportSessions, visit, now),
  ];
}
