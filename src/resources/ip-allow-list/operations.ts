import { sql } from "drizzle-orm";
import { z } from "zod";
import { update as change, emit, insert } from "#db/changes.ts";
import { lastUses } from "#db/last-use.ts";
import { many } from "#db/queries.ts";
import { apiKeys, members, oauthClients } from "#gate/tables.ts";
import { Network, Timestamp, told, toldList } from "#http/fields.ts";
import { readOperation, writeOperation } from "#http/operation.ts";
import { commit, refuse } from "#http/outcome.ts";
import { isWithin } from "#lib/cidr.ts";
import { dayMs, timestamp } from "#lib/time.ts";
import { securityPolicies } from "#resources/security-policy/table.ts";

const mostNetworks = 100;
/** Who came in within this time is asked after. */
const askedAfterMs = 30 * dayMs;
const mostTold = 500;

const networks = toldList(told(50, "203.0.113.0/24"), mostNetworks).meta({
  description: "Empty: people and programs are let in from anywhere.",
});

const LockedOut = z
  .object({
    principalId: told(40, "mbr_01jd5r0t6vf3h8k2m4n6p8q0rs").meta({
      description: "A member, an API key or an OAuth client.",
    }),
    lastUsedAt: Timestamp,
    lastUsedIp: told(45, "198.51.100.7").nullable(),
  })
  .meta({ id: "LockedOut" });

export const get = readOperation({
  mount: "tenant",
  method: "get",
  path: "/ip-allow-list",
  summary: "Read from where people and programs are let in",
  can: "security:read",
  store: "cell",
  returns: z.object({ networks }).meta({ id: "IpAllowList" }),
  problems: [],
  async run({ tenant }) {
    const { found } = await tenant.read({ found: many(securityPolicies, { limit: 1 }) });
    return { networks: found[0] ? listed(found[0].ipAllowList) : [] };
  },
});

export const update = writeOperation({
  mount: "tenant",
  method: "put",
  path: "/ip-allow-list",
  summary:
    "Decide from where people and programs are let in, or try it first: it holds from their next request on",
  can: "security:write",
  recordRefusal: true,
  store: "cell",
  expensive: true,
  body: z
    .strictObject({
      networks: z.array(Network).max(mostNetworks).meta({
        description: "Empty: from anywhere. Keys that have a list of their own are held to both.",
      }),
      dryRun: z.boolean().default(false).meta({ description: "True: nothing is changed." }),
    })
    .meta({ id: "IpAllowListChange" }),
  returns: z
    .object({
      networks,
      isChanged: z.boolean(),
      locksYouOut: z.boolean().meta({ description: "In a dry run alone: else it is refused." }),
      lockedOut: toldList(LockedOut, mostTold).meta({
        description: "Who came in within 30 days, last from elsewhere, of the 500 who came last.",
      }),
    })
    .meta({ id: "IpAllowListOutcome" }),
  problems: ["invalid", "would-lock-you-out", "conflict"],
  async run({ tenant, principal, now, newId, address }, { body }) {
    const { tenantId } = principal;
    const theirs = [
      sql`select ${members.id} from ${members} where ${members.tenantId} = ${tenantId} and ${members.state} = 'active'`,
      sql`select ${apiKeys.id} from ${apiKeys} where ${apiKeys.tenantId} = ${tenantId} and ${apiKeys.revokedAt} is null`,
      sql`select ${oauthClients.id} from ${oauthClients} where ${oauthClients.tenantId} = ${tenantId} and ${oauthClients.deletedAt} is null`,
    ];
    const { found, uses } = await tenant.read({
      found: many(securityPolicies, { limit: 1 }),
      uses: lastUses(theirs, mostTold, timestamp(now - askedAfterMs)),
    });
    const isOut = (ip: string | null) => body.networks.length > 0 && !isWithin(ip ?? "", body.networks);
    const lockedOut = [...uses]
      .filter(([, { ip }]) => isOut(ip))
      .map(([principalId, { at, ip }]) => ({ principalId, lastUsedAt: at, lastUsedIp: ip }));
    const locksYouOut = isOut(address);
    const answer = { networks: body.networks, locksYouOut, lockedOut };
    if (body.dryRun) return commit({ ...answer, isChanged: false });
    if (locksYouOut) return refuse("would-lock-you-out");
    const ipAllowList = JSON.stringify(body.networks);
    const [before] = found;
    const written = before
      ? change(securityPolicies, before, { ipAllowList }, now)
      : // Of two at once that find none the other's epoch has moved.
        insert(
          securityPolicies,
          {
            id: newId("spo"),
            secondFactor: "off",
            secondFactorSince: timestamp(now),
            allowsSms: 0,
            ipAllowList,
          },
          now,
        );
    return commit(
      { ...answer, isChanged: true },
      written,
      emit(
        "security_policy.ip_allow_list_changed",
        { tenantId, networks: body.networks.length },
        { table: securityPolicies, row: {} },
      ),
    );
  },
});

function listed(json: string): string[] {
  return z.array(z.string()).parse(JSON.parse(json));
}
