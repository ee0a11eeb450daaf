import { z } from "zod";
import { update as change, emit } from "#db/changes.ts";
import { ssoDomains } from "#gate/sso-tables.ts";
import { effectOperation } from "#http/operation.ts";
import { commit, Refusal, refuse } from "#http/outcome.ts";
import { timestamp } from "#lib/time.ts";
import { presentDomain } from "./present.ts";
import { heldRefusal } from "./refusals.ts";
import { ConnectionId, DomainId, SsoDomain } from "./schema.ts";

const askAgainSeconds = 30;

/**
 * Two stores, so a saga: first the directory, where one tenant at a time speaks for a domain, then the cell, which is the
 * truth. Killed between them, it is gone on with; asked again, it does no more than it did.
 */
export const verify = effectOperation({
  mount: "tenant",
  method: "post",
  path: "/sso-domains/{domainId}/verify",
  summary: "Ask DNS whether the domain's TXT record is there; from then on the business speaks for it",
  can: "security:write",
  recordRefusal: true,
  store: "cell",
  params: z.object({ domainId: DomainId }),
  returns: SsoDomain,
  problems: ["not-found", "forbidden", "domain-not-proven", "domain-taken", "unavailable", "conflict"],
  intent: z.object({ id: DomainId, connectionId: ConnectionId, domain: z.string(), proof: z.string() }),
  resumeAfterSeconds: 120,
  async intend({ tenant, principal }, { params }) {
    const held = heldRefusal(principal);
    if (held) return held;
    const row = await tenant.get(ssoDomains, params.domainId);
    if (!row) return refuse("not-found");
    const { id, connectionId, domain, proof } = row;
    return commit({ id, connectionId, domain, proof });
  },
  async perform({ ssoDomains: claims }, { id, connectionId, domain, proof }) {
    const isProven = await claims.isProven(domain, proof);
    if (isProven === null) return "unanswered";
    return isProven ? await claims.claim({ id, connectionId, domain }) : "not-proven";
  },
  async settle({ tenant, now }, { id }, found) {
    if (found === "unanswered") return new Refusal("unavailable", { retryAfterSeconds: askAgainSeconds }, []);
    if (found === "not-proven") return refuse("domain-not-proven");
    if (found === "taken") return refuse("domain-taken");
    const row = await tenant.get(ssoDomains, id);
    if (!row) return refuse("not-found");
    const wasVerified = row.state === "verified";
    const at = timestamp(now);
    const seen = { checkedAt: at, missingSince: null };
    const changed = change(
      ssoDomains,
      row,
      wasVerified ? seen : { ...seen, state: "verified", verifiedAt: at },
      now,
    );
    const told = emit("sso_domain.verified", { domainId: id }, { table: ssoDomains, row });
    return commit(presentDomain(changed.row), changed, ...(wasVerified ? [] : [told]));
  },
  // Of what was removed meanwhile nobody shall keep others from the domain.
  async discard({ ssoDomains: claims }, { id }, found) {
    if (found === "claimed") await claims.release(id);
  },
});
